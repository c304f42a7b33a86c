//! Pickles of nested dictionaries of numpy arrays, read without running anything.
//!
//! A pickle is a program for a stack machine that may call any function of Python. Only what numpy 1
//! writes for such a tree in protocol 3 is known here: texts, whole numbers, tuples, dictionaries, and the
//! three names that make a `float32` array, row-major and little-endian. Everything else is an error
//! that names its byte.

use std::fmt;

use crate::mismatch::Mismatch;

/// What a pickle describes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    /// Entries in the order of the file.
    Dict(Vec<(&'a str, Node<'a>)>),
    /// An array of `float32`.
    Array {
        /// Extent of each axis.
        shape: Vec<usize>,
        /// Its elements, row-major, four bytes each, little-endian.
        bytes: &'a [u8],
    },
}

/// A value on the stack; what may still change is a place on the heap.
#[derive(Clone)]
enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Tuple(Vec<Self>),
    Name(Name),
    Object(usize),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Tuple(items) => f.debug_list().entries(items).finish(),
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}

/// The names that make an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Reconstruct,
    NdArray,
    DType,
}

#[derive(Debug)]
enum Object<'a> {
    Dict(Vec<(&'a str, Value<'a>)>),
    /// Whether its state said that it is little-endian.
    Float32(bool),
    Array(Option<(Vec<usize>, &'a [u8])>),
    /// Already part of the result.
    Taken,
}

/// Reads a pickle; `file` names it in errors.
///
/// # Errors
/// [`Mismatch`] with the byte: anything else than a tree of arrays, or a file that ends early or late.
pub(crate) fn read<'a>(file: &'a str, bytes: &'a [u8]) -> Result<Node<'a>, Mismatch> {
    let mut machine = Machine {
        file,
        bytes,
        at: 0,
        begun: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        heap: Vec::new(),
    };
    let root = machine.run()?;
    machine.node(&root, 0)
}

struct Machine<'a> {
    file: &'a str,
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// The first byte of the current instruction.
    begun: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: Vec<Value<'a>>,
    heap: Vec<Object<'a>>,
}

/// Dictionaries inside one another, at most.
const DEPTH: usize = 8;
/// Items of a tuple, at most.
const ITEMS: usize = 16;
/// Values on the stack, remembered, and on the heap, at most.
const VALUES: usize = 10_000;

impl<'a> Machine<'a> {
    fn fail(&self, wanted: impl Into<String>, found: impl Into<String>) -> Mismatch {
        Mismatch::new(format!("{} byte {}", self.file, self.begun), wanted, found)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Mismatch> {
        let left = &self.bytes[self.at..];
        let taken = left.get(..count).ok_or_else(|| {
            self.fail(format!("{count} more bytes"), format!("the end after {}", left.len()))
        })?;
        self.at += count;
        Ok(taken)
    }

    /// An unsigned number of one, two or four bytes, little-endian.
    fn number(&mut self, count: usize) -> Result<usize, Mismatch> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// Bytes after their count.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], Mismatch> {
        let count = self.number(width)?;
        self.take(count)
    }

    fn text(&self, bytes: &'a [u8]) -> Result<&'a str, Mismatch> {
        std::str::from_utf8(bytes).map_err(|error| self.fail("a text in UTF-8", error.to_string()))
    }

    fn line(&mut self) -> Result<&'a str, Mismatch> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().take(100).position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.fail("a name that ends", "none"))?;
        let line = self.text(&rest[..end])?;
        self.at += end + 1;
        Ok(line)
    }

    fn pop(&mut self) -> Result<Value<'a>, Mismatch> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > floor { self.stack.pop() } else { None };
        value.ok_or_else(|| self.fail("a value on the stack", "none"))
    }

    /// What lies above the last mark.
    fn above_mark(&mut self) -> Result<Vec<Value<'a>>, Mismatch> {
        let mark = self.marks.pop().ok_or_else(|| self.fail("a mark on the stack", "none"))?;
        Ok(self.stack.split_off(mark))
    }

    fn new_object(&mut self, object: Object<'a>) -> Value<'a> {
        self.heap.push(object);
        Value::Object(self.heap.len() - 1)
    }

    fn run(&mut self) -> Result<Value<'a>, Mismatch> {
        if self.bytes.get(..2) != Some(&[0x80, 3]) {
            let found = format!("{:02x?}", &self.bytes[..self.bytes.len().min(2)]);
            return Err(self.fail("a pickle of protocol 3 ([80, 03])", found));
        }
        self.at = 2;
        loop {
            self.begun = self.at;
            let code = self.number(1)?;
            if code == usize::from(b'.') {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "one byte was read")]
            self.step(code as u8)?;
            let most =
                self.stack.len().max(self.marks.len()).max(self.memo.len()).max(self.heap.len());
            if most > VALUES {
                return Err(self.fail(format!("at most {VALUES} values"), "more"));
            }
        }
        let root = self.pop()?;
        let left = (self.stack.len(), self.marks.len(), self.bytes.len() - self.at);
        if left != (0, 0, 0) {
            let (values, marks, bytes) = left;
            let found = format!("{values} values, {marks} marks and {bytes} bytes more");
            return Err(self.fail("the end", found));
        }
        Ok(root)
    }

    /// One instruction.
    fn step(&mut self, code: u8) -> Result<(), Mismatch> {
        let value = match code {
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            b'q' | b'r' => {
                let place = self.number(if code == b'q' { 1 } else { 4 })?;
                return self.remember(place);
            }
            b'b' => return self.build(),
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set(vec![key, value]);
            }
            b'u' => {
                let items = self.above_mark()?;
                return self.set(items);
            }
            b'h' | b'j' => {
                let place = self.number(if code == b'h' { 1 } else { 4 })?;
                let known = self.memo.get(place).cloned();
                known.ok_or_else(|| self.fail("a value that was remembered", format!("{place}")))?
            }
            b'}' => self.new_object(Object::Dict(Vec::new())),
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(self.number(1)? as i64),
            b'M' => Value::Int(self.number(2)? as i64),
            b'J' => {
                let bytes = self.take(4)?;
                Value::Int(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into())
            }
            b'X' => {
                let bytes = self.counted(4)?;
                Value::Text(self.text(bytes)?)
            }
            b'C' => Value::Bytes(self.counted(1)?),
            b'B' => Value::Bytes(self.counted(4)?),
            b'c' => Value::Name(self.name()?),
            b')' => Value::Tuple(Vec::new()),
            b't' => {
                let items = self.above_mark()?;
                self.tuple(items)?
            }
            0x85..=0x87 => {
                let mut items = (0x84..code).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.tuple(items)?
            }
            b'R' => self.reduce()?,
            other => {
                let wanted = "an instruction that a tree of arrays needs";
                return Err(self.fail(wanted, format!("{other:#04x}")));
            }
        };
        self.stack.push(value);
        Ok(())
    }

    /// A tuple: of few items, and of tuples without tuples, so that copies of it stay small.
    fn tuple(&self, items: Vec<Value<'a>>) -> Result<Value<'a>, Mismatch> {
        let inner = |value: &Value<'_>| match value {
            Value::Tuple(items) => items.iter().any(|item| matches!(item, Value::Tuple(_))),
            _ => false,
        };
        if items.len() > ITEMS || items.iter().any(inner) {
            let wanted = format!("a tuple of at most {ITEMS} items, two deep");
            return Err(self.fail(wanted, "a larger one"));
        }
        Ok(Value::Tuple(items))
    }

    fn remember(&mut self, place: usize) -> Result<(), Mismatch> {
        let value = self.pop()?;
        self.stack.push(value.clone());
        if place != self.memo.len() {
            let wanted = format!("place {} to remember at", self.memo.len());
            return Err(self.fail(wanted, place.to_string()));
        }
        self.memo.push(value);
        Ok(())
    }

    fn name(&mut self) -> Result<Name, Mismatch> {
        let (module, name) = (self.line()?, self.line()?);
        match (module, name) {
            ("numpy.core.multiarray", "_reconstruct") => Ok(Name::Reconstruct),
            ("numpy", "ndarray") => Ok(Name::NdArray),
            ("numpy", "dtype") => Ok(Name::DType),
            _ => {
                let found = format!("{:?}", format!("{module}.{name}"));
                Err(self.fail("a name that makes an array", found))
            }
        }
    }

    /// A call: an array without content, or an element type.
    fn reduce(&mut self) -> Result<Value<'a>, Mismatch> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Tuple(arguments) = &arguments else {
            return Err(self.fail("arguments", format!("{arguments:?}")));
        };
        let object = match (&function, arguments.as_slice()) {
            (
                Value::Name(Name::Reconstruct),
                [Value::Name(Name::NdArray), Value::Tuple(shape), Value::Bytes(b"b")],
            ) if matches!(shape.as_slice(), [Value::Int(0)]) => Object::Array(None),
            (
                Value::Name(Name::DType),
                [Value::Text("f4"), Value::Bool(false), Value::Bool(true)],
            ) => Object::Float32(false),
            _ => {
                let found = format!("{function:?} of {arguments:?}");
                return Err(self.fail("a call that makes a float32 array", shortened(&found)));
            }
        };
        Ok(self.new_object(object))
    }

    /// Gives an array its content, or an element type its byte order.
    fn build(&mut self) -> Result<(), Mismatch> {
        let state = self.pop()?;
        let target = self.pop()?;
        let (Value::Object(at), Value::Tuple(state)) = (&target, &state) else {
            return Err(self.fail("an object and its state", shortened(&format!("{target:?}"))));
        };
        let built = match (&self.heap[*at], state.as_slice()) {
            (Object::Float32(false), [Value::Int(3), Value::Text("<"), rest @ ..]) => {
                use Value::{Int, None};
                if !matches!(rest, [None, None, None, Int(-1), Int(-1), Int(0)]) {
                    return Err(self.fail("a plain element type", shortened(&format!("{rest:?}"))));
                }
                Object::Float32(true)
            }
            (
                Object::Array(None),
                [
                    Value::Int(1),
                    Value::Tuple(shape),
                    Value::Object(kind),
                    Value::Bool(false),
                    Value::Bytes(bytes),
                ],
            ) if matches!(self.heap[*kind], Object::Float32(true)) => {
                Object::Array(Some((self.shape(shape, bytes.len())?, bytes)))
            }
            (object, state) => {
                let found = shortened(&format!("{state:?} for {object:?}"));
                return Err(
                    self.fail("the state of a row-major little-endian float32 array", found)
                );
            }
        };
        self.heap[*at] = built;
        self.stack.push(target);
        Ok(())
    }

    /// The extents, which have four bytes for each element.
    fn shape(&self, shape: &[Value<'_>], bytes: usize) -> Result<Vec<usize>, Mismatch> {
        let extent = |value: &Value<'_>| match value {
            Value::Int(extent) => usize::try_from(*extent).ok(),
            _ => None,
        };
        let extents: Option<Vec<usize>> = shape.iter().map(extent).collect();
        let extents =
            extents.ok_or_else(|| self.fail("extents", shortened(&format!("{shape:?}"))))?;
        let size = extents.iter().try_fold(4usize, |size, &extent| size.checked_mul(extent));
        if size != Some(bytes) {
            return Err(self.fail(format!("four bytes for each of {extents:?}"), bytes.to_string()));
        }
        Ok(extents)
    }

    /// Adds keys and values to the dictionary on the stack.
    fn set(&mut self, items: Vec<Value<'a>>) -> Result<(), Mismatch> {
        let target = self.pop()?;
        let mut entries = Vec::new();
        let mut items = items.into_iter();
        while let Some(key) = items.next() {
            match (key, items.next()) {
                (Value::Text(key), Some(value)) => entries.push((key, value)),
                (key, _) => {
                    let found = shortened(&format!("{key:?}"));
                    return Err(self.fail("a text as key, and a value", found));
                }
            }
        }
        let object = match target {
            Value::Object(at) => self.heap.get_mut(at),
            _ => None,
        };
        let Some(Object::Dict(dict)) = object else {
            return Err(self.fail("a dictionary", shortened(&format!("{target:?}"))));
        };
        dict.extend(entries);
        self.stack.push(target);
        Ok(())
    }

    /// The tree below a value. An object that is used twice would make it larger than the file.
    fn node(&mut self, value: &Value<'a>, depth: usize) -> Result<Node<'a>, Mismatch> {
        let Value::Object(at) = value else {
            return Err(self.fail("a dictionary or an array", shortened(&format!("{value:?}"))));
        };
        match std::mem::replace(&mut self.heap[*at], Object::Taken) {
            Object::Dict(entries) if depth < DEPTH => {
                let mut nodes = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    if nodes.iter().any(|(known, _)| *known == key) {
                        return Err(self.fail("each key once", format!("{key:?} again")));
                    }
                    nodes.push((key, self.node(&value, depth + 1)?));
                }
                Ok(Node::Dict(nodes))
            }
            Object::Array(Some((shape, bytes))) => Ok(Node::Array { shape, bytes }),
            Object::Dict(_) => {
                Err(self.fail(format!("dictionaries at most {DEPTH} deep"), "a deeper one"))
            }
            Object::Taken => Err(self.fail("each object in one place", "one in two")),
            Object::Array(None) => Err(self.fail("the content of an array", "none")),
            Object::Float32(_) => Err(self.fail("a dictionary or an array", "an element type")),
        }
    }
}

/// The beginning of what may be long.
fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(80).collect();
    if characters.next().is_some() { start + ".." } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"a": {"k": array of shape [2]}}`, as Python 3.7 and numpy 1 write it.
    fn sound() -> Vec<u8> {
        let mut bytes =
            b"\x80\x03}q\x00X\x01\x00\x00\x00aq\x01}q\x02X\x01\x00\x00\x00kq\x03".to_vec();
        bytes.extend(b"cnumpy.core.multiarray\n_reconstruct\nq\x04cnumpy\nndarray\nq\x05");
        bytes.extend(b"K\x00\x85q\x06C\x01bq\x07\x87q\x08Rq\x09(K\x01K\x02\x85q\x0a");
        bytes.extend(b"cnumpy\ndtype\nq\x0bX\x02\x00\x00\x00f4q\x0c\x89\x88\x87q\x0dRq\x0e");
        bytes.extend(
            b"(K\x03X\x01\x00\x00\x00<q\x0fNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x10b",
        );
        bytes.extend(b"\x89B\x08\x00\x00\x00\x00\x00\x80?\x00\x00\x00@q\x11tq\x12bss.");
        bytes
    }

    fn told(bytes: &[u8]) -> String {
        read("p", bytes).unwrap_err().to_string()
    }

    /// The sound pickle with `from`, which is in it once, replaced.
    fn with(from: &[u8], to: &[u8]) -> Vec<u8> {
        let sound = sound();
        let mut places = sound.windows(from.len()).enumerate().filter(|(_, part)| *part == from);
        let (at, _) = places.next().expect("the part is there");
        assert!(places.next().is_none(), "{from:?} is there twice");
        [&sound[..at], to, &sound[at + from.len()..]].concat()
    }

    #[test]
    fn a_tree_of_arrays_is_read() {
        let bytes = sound();
        let Node::Dict(root) = read("p", &bytes).unwrap() else { panic!("no dictionary") };
        let (name, Node::Dict(inner)) = &root[0] else { panic!("{root:?}") };
        let bytes = [1.0f32, 2.0].map(f32::to_le_bytes).concat();
        assert_eq!((*name, root.len(), inner.len()), ("a", 1, 1));
        assert_eq!(inner[0], ("k", Node::Array { shape: vec![2], bytes: &bytes }));
    }

    #[test]
    fn every_beginning_of_it_is_refused() {
        let bytes = sound();
        for end in 0..bytes.len() {
            assert!(read("p", &bytes[..end]).is_err(), "the first {end} bytes");
        }
        assert_eq!(told(&bytes[..40]), "p byte 24: wanted a name that ends, found none");
    }

    #[test]
    fn no_change_of_a_byte_makes_it_panic() {
        let bytes = sound();
        for at in 0..bytes.len() {
            for value in [0, 1, b'(', b'.', b'R', b'b', b'q', b't', b'u', 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = read("p", &changed);
            }
        }
    }

    #[test]
    fn what_would_run_something_is_refused() {
        assert_eq!(
            told(b"\x80\x03cos\nsystem\nX\x02\x00\x00\x00id\x85R."),
            "p byte 2: wanted a name that makes an array, found \"os.system\""
        );
        let refused = |from: &[u8], to: &[u8]| told(&with(from, to));
        let cases: [(&[u8], &[u8], &str); 8] = [
            (b"cnumpy\ndtype", b"cbuiltins\neval", "found \"builtins.eval\""),
            (b"cnumpy\nndarray", b"cnumpy\ndtype", "wanted a call that makes a float32 array"),
            (b"f4", b"O8", "wanted a call that makes a float32 array"),
            (b"<q", b">q", "wanted the state of a row-major little-endian float32 array"),
            (b"K\x02\x85", b"K\x03\x85", "wanted four bytes for each of [3], found 8"),
            (b"\x89B", b"\x88B", "wanted the state of a row-major"),
            (
                b"\x80\x03}",
                b"\x80\x02}",
                "wanted a pickle of protocol 3 ([80, 03]), found [80, 02]",
            ),
            (b"bss.", b"bss..", "found 0 values, 0 marks and 1 bytes more"),
        ];
        for (from, to, wanted) in cases {
            let said = refused(from, to);
            assert!(said.contains(wanted), "{said}");
        }
    }

    #[test]
    fn nothing_grows_beyond_the_file() {
        // A dictionary that holds itself, one used twice, and tuples of tuples that double.
        assert_eq!(
            told(b"\x80\x03}q\x00X\x01\x00\x00\x00ah\x00s."),
            "p byte 14: wanted each object in one place, found one in two"
        );
        let twice = b"\x80\x03}q\x00(X\x01\x00\x00\x00a}q\x01X\x01\x00\x00\x00bh\x01u.";
        assert!(told(twice).ends_with("found one in two"));
        let deep = [&b"\x80\x03)"[..], &[0x85; 10], b"."].concat();
        assert_eq!(
            told(&deep),
            "p byte 4: wanted a tuple of at most 16 items, two deep, found a larger one"
        );
        let mut nested = b"\x80\x03".to_vec();
        nested.extend(b"}X\x01\x00\x00\x00a".repeat(12));
        nested.extend(b"}");
        nested.extend(b"s".repeat(12));
        nested.extend(b".");
        assert!(told(&nested).ends_with("wanted dictionaries at most 8 deep, found a deeper one"));
        assert!(told(b"\x80\x03B\xff\xff\xff\xff").contains("wanted 4294967295 more bytes"));
        let many = [&b"\x80\x03"[..], &[b'N'; 20_000]].concat();
        assert_eq!(told(&many), "p byte 10002: wanted at most 10000 values, found more");
        assert!(told(b"\x80\x03]").ends_with("found 0x5d"));
        assert!(told(b"\x80\x03(K\x01s.").ends_with("wanted a value on the stack, found none"));
    }
}
