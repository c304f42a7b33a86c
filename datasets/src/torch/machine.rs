//! The stack machine of pickles, as far as a dictionary of tensors needs it.
//!
//! Every value has a place in one list, and others hold its number: nothing that a file says makes
//! values larger than the file, however often they are used.

use std::collections::BTreeMap;

use crate::mismatch::Mismatch;

/// A value; others are held by their numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Tuple(Vec<usize>),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Name(Name),
    Storage(Stored<'a>),
    Tensor(View<'a>),
    /// A number that no tensor depends on.
    Other,
}

/// The names that make a dictionary of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    OrderedDict,
    Rebuild,
    Parameter,
    Storage(Kind),
}

/// The type of a storage's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Half,
    BFloat16,
    Float,
    Double,
}

impl Kind {
    /// Bytes of an element.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Half | Self::BFloat16 => 2,
            Self::Float => 4,
            Self::Double => 8,
        }
    }
}

/// A storage, which lies elsewhere in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a str,
    pub(super) elements: usize,
}

impl Stored<'_> {
    /// Its length in bytes.
    pub(super) fn bytes(&self, file: &str) -> Result<usize, Mismatch> {
        self.elements.checked_mul(self.kind.width()).filter(|bytes| *bytes < 1 << 40).ok_or_else(
            || Mismatch::new(file, "a storage of less than a TiB", self.elements.to_string()),
        )
    }
}

/// A tensor, row-major in its storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View<'a> {
    pub(super) stored: Stored<'a>,
    /// Elements before the first.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
}

/// Values at most.
const VALUES: usize = 200_000;
/// Axes of a tensor at most.
const AXES: usize = 16;

/// A pickle that was run.
pub(super) struct Machine<'a> {
    file: &'a str,
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// The first byte of the current instruction.
    begun: usize,
    values: Vec<Value<'a>>,
    stack: Vec<usize>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<usize, usize>,
}

impl<'a> Machine<'a> {
    /// Runs the pickle that begins at a byte: what it makes, and where it ends.
    pub(super) fn run(
        file: &'a str,
        bytes: &'a [u8],
        at: usize,
    ) -> Result<(Self, usize, usize), Mismatch> {
        let mut machine = Self {
            file,
            bytes,
            at,
            begun: at,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        };
        let start = machine.take(2)?;
        if start != b"\x80\x02" {
            return Err(machine.fail("a pickle of protocol 2", format!("{start:02x?}")));
        }
        while machine.step()? {}
        let root = machine.pop()?;
        let end = machine.at;
        Ok((machine, root, end))
    }

    pub(super) fn fail(&self, wanted: impl Into<String>, found: impl Into<String>) -> Mismatch {
        Mismatch::new(format!("{} byte {}", self.file, self.begun), wanted, found)
    }

    pub(super) fn value(&self, at: usize) -> &Value<'a> {
        &self.values[at]
    }

    /// A value as it stands in messages.
    pub(super) fn shown(&self, at: usize) -> String {
        match &self.values[at] {
            Value::Tuple(items) => format!("a tuple of {}", items.len()),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Dict(entries) => format!("a dictionary of {}", entries.len()),
            Value::Tensor(view) => format!("a tensor of shape {:?}", view.shape),
            Value::Text(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            other => format!("{other:?}"),
        }
    }

    /// What a dictionary has at a key.
    pub(super) fn entry(&self, dict: usize, key: &str) -> Option<usize> {
        let Value::Dict(entries) = &self.values[dict] else { return None };
        let is = |&&(at, _): &&(usize, usize)| self.values[at] == Value::Text(key);
        entries.iter().find(is).map(|&(_, value)| value)
    }

    /// Every storage by its key.
    pub(super) fn storages(&self) -> BTreeMap<&'a str, &Stored<'a>> {
        let mut found = BTreeMap::new();
        for value in &self.values {
            if let Value::Storage(stored) = value {
                found.insert(stored.key, stored);
            }
        }
        found
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Mismatch> {
        let left = self.bytes.get(self.at..).unwrap_or_default();
        let taken = left.get(..count).ok_or_else(|| {
            self.fail(format!("{count} more bytes"), format!("the end after {}", left.len()))
        })?;
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self, count: usize) -> Result<usize, Mismatch> {
        let bytes = self.take(count)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn text(&mut self, width: usize) -> Result<Value<'a>, Mismatch> {
        let count = self.number(width)?;
        let bytes = self.take(count)?;
        let text = std::str::from_utf8(bytes);
        text.map(Value::Text).map_err(|error| self.fail("a text in UTF-8", error.to_string()))
    }

    fn line(&mut self) -> Result<&'a str, Mismatch> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().take(100).position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.fail("a name that ends", "none"))?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end])
            .map_err(|error| self.fail("a name in UTF-8", error.to_string()))
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Mismatch> {
        if self.values.len() >= VALUES || self.stack.len() >= VALUES {
            return Err(self.fail(format!("at most {VALUES} values"), "more"));
        }
        self.stack.push(self.values.len());
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<usize, Mismatch> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > floor { self.stack.pop() } else { None };
        value.ok_or_else(|| self.fail("a value on the stack", "none"))
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Result<Vec<usize>, Mismatch> {
        let mark = self.marks.pop().ok_or_else(|| self.fail("a mark", "none"))?;
        Ok(self.stack.split_off(mark))
    }

    fn several(&mut self, count: usize) -> Result<Vec<usize>, Mismatch> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        Ok(items)
    }

    /// One instruction; whether more follow.
    fn step(&mut self) -> Result<bool, Mismatch> {
        self.begun = self.at;
        match self.number(1)? as u8 {
            b'.' => return Ok(false),
            b'(' if self.marks.len() < VALUES => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'K' => self.integer(1)?,
            b'M' => self.integer(2)?,
            b'J' => {
                let word = self.take(4)?.try_into().expect("four bytes were taken");
                self.push(Value::Int(i32::from_le_bytes(word).into()))?;
            }
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Other)?;
            }
            b'X' => self.text(4).and_then(|text| self.push(text))?,
            b'U' => self.text(1).and_then(|text| self.push(text))?,
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b']' => self.push(Value::List(Vec::new()))?,
            b')' => self.push(Value::Tuple(Vec::new()))?,
            count @ 0x85..=0x87 => {
                let items = self.several(usize::from(count - 0x84))?;
                self.push(Value::Tuple(items))?;
            }
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items))?;
            }
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'c' => self.name()?,
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            b's' => self.several(2).and_then(|items| self.set(&items))?,
            b'u' => self.marked().and_then(|items| self.set(&items))?,
            b'a' => self.several(1).and_then(|items| self.append(&items))?,
            b'e' => self.marked().and_then(|items| self.append(&items))?,
            other => {
                let found = format!("{other:#04x}");
                return Err(self.fail("an instruction that a dictionary of tensors needs", found));
            }
        }
        Ok(true)
    }

    fn integer(&mut self, width: usize) -> Result<(), Mismatch> {
        let number = self.number(width)?;
        self.push(Value::Int(number as i64))
    }

    /// A whole number of up to eight bytes; longer ones are not needed.
    fn long(&mut self) -> Result<(), Mismatch> {
        let count = self.number(1)?;
        let bytes = self.take(count)?;
        let sign = if bytes.last().is_some_and(|&top| top >= 0x80) { -1 } else { 0 };
        let value =
            bytes.iter().rev().fold(sign, |number: i64, &byte| number << 8 | i64::from(byte));
        self.push(if count <= 8 { Value::Int(value) } else { Value::Other })
    }

    fn remember(&mut self, width: usize) -> Result<(), Mismatch> {
        let at = self.number(width)?;
        let top = self.stack.last().copied();
        let top = top.ok_or_else(|| self.fail("a value on the stack", "none"))?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), Mismatch> {
        let at = self.number(width)?;
        let known = self.memo.get(&at).copied();
        let known = known.ok_or_else(|| self.fail(format!("value {at}"), "none"))?;
        if self.stack.len() >= VALUES {
            return Err(self.fail(format!("at most {VALUES} values"), "more"));
        }
        self.stack.push(known);
        Ok(())
    }

    fn name(&mut self) -> Result<(), Mismatch> {
        let (module, name) = (self.line()?, self.line()?);
        let name = match (module, name) {
            ("collections", "OrderedDict") => Name::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Name::Rebuild,
            ("torch._utils", "_rebuild_parameter") => Name::Parameter,
            ("torch", "HalfStorage") => Name::Storage(Kind::Half),
            ("torch", "BFloat16Storage") => Name::Storage(Kind::BFloat16),
            ("torch", "FloatStorage") => Name::Storage(Kind::Float),
            ("torch", "DoubleStorage") => Name::Storage(Kind::Double),
            _ => {
                let found = format!("{:?}", format!("{module}.{name}"));
                return Err(self.fail("a name that makes a tensor of floats", found));
            }
        };
        self.push(Value::Name(name))
    }

    /// A storage, which is told by `("storage", type, key, device, elements)`.
    fn persistent(&mut self) -> Result<(), Mismatch> {
        let told = self.pop()?;
        let Value::Tuple(items) = &self.values[told] else {
            return Err(self.fail("what tells a storage", self.shown(told)));
        };
        let parts: Vec<&Value<'a>> = items.iter().map(|&at| &self.values[at]).collect();
        let [
            Value::Text("storage"),
            Value::Name(Name::Storage(kind)),
            Value::Text(key),
            _,
            elements,
            rest @ ..,
        ] = parts.as_slice()
        else {
            return Err(self.fail("what tells a storage", self.shown(told)));
        };
        let elements = match elements {
            Value::Int(elements) => usize::try_from(*elements).ok(),
            _ => None,
        };
        let (Some(elements), [] | [Value::None]) = (elements, rest) else {
            return Err(self.fail("a whole storage", self.shown(told)));
        };
        let stored = Stored { kind: *kind, key, elements };
        self.push(Value::Storage(stored))
    }

    /// A call: an ordered dictionary, a tensor, or a parameter, which is its tensor.
    fn reduce(&mut self) -> Result<(), Mismatch> {
        let [function, arguments] = self.several(2)?[..] else {
            return Err(self.fail("a function and arguments", "less"));
        };
        let Value::Tuple(items) = &self.values[arguments] else {
            return Err(self.fail("arguments", self.shown(arguments)));
        };
        match (&self.values[function], &**items) {
            (Value::Name(Name::OrderedDict), []) => self.push(Value::Dict(Vec::new())),
            (Value::Name(Name::Parameter), &[tensor, ..])
                if matches!(self.values[tensor], Value::Tensor(_)) =>
            {
                self.stack.push(tensor);
                Ok(())
            }
            (Value::Name(Name::Rebuild), &[storage, offset, shape, strides, ..]) => {
                let view = self.view(storage, offset, shape, strides)?;
                self.push(Value::Tensor(view))
            }
            _ => {
                let found = format!("{} of {}", self.shown(function), self.shown(arguments));
                Err(self.fail("a call that makes a tensor", found))
            }
        }
    }

    fn view(
        &self,
        storage: usize,
        offset: usize,
        shape: usize,
        strides: usize,
    ) -> Result<View<'a>, Mismatch> {
        let Value::Storage(stored) = &self.values[storage] else {
            return Err(self.fail("a storage", self.shown(storage)));
        };
        let count = |at: usize| match self.values[at] {
            Value::Int(count) => usize::try_from(count).ok(),
            _ => None,
        };
        let counts = |at: usize| match &self.values[at] {
            Value::Tuple(items) if items.len() <= AXES => {
                items.iter().map(|&item| count(item)).collect::<Option<Vec<usize>>>()
            }
            _ => None,
        };
        let (Some(offset), Some(shape), Some(strides)) =
            (count(offset), counts(shape), counts(strides))
        else {
            return Err(self.fail("offset, shape and strides of a tensor", "others"));
        };
        let elements = shape.iter().try_fold(1usize, |size, &extent| size.checked_mul(extent));
        let end = elements.and_then(|elements| elements.checked_add(offset));
        if end.is_none_or(|end| end > stored.elements) {
            let wanted = format!("a tensor within {} elements", stored.elements);
            return Err(self.fail(wanted, format!("shape {shape:?} from element {offset}")));
        }
        let mut row_major = 1;
        for (&extent, &stride) in shape.iter().zip(&strides).rev() {
            if shape.len() != strides.len() || (extent > 1 && stride != row_major) {
                let found = format!("shape {shape:?} with strides {strides:?}");
                return Err(self.fail("a row-major tensor", found));
            }
            row_major *= extent;
        }
        Ok(View { stored: stored.clone(), offset, shape })
    }

    /// What is said of a dictionary beside its entries, such as the versions of modules: nothing of it
    /// is kept.
    fn build(&mut self) -> Result<(), Mismatch> {
        let [target, _] = self.several(2)?[..] else {
            return Err(self.fail("an object and its state", "less"));
        };
        if !matches!(self.values[target], Value::Dict(_)) {
            return Err(self.fail("a dictionary", self.shown(target)));
        }
        self.stack.push(target);
        Ok(())
    }

    /// Adds keys and values to the dictionary on the stack.
    fn set(&mut self, items: &[usize]) -> Result<(), Mismatch> {
        let target = self.pop()?;
        let (pairs, rest) = items.as_chunks::<2>();
        let keyed = rest.is_empty()
            && pairs.iter().all(|[key, _]| matches!(self.values[*key], Value::Text(_)));
        if !keyed {
            return Err(self.fail("texts as keys, and values", "others"));
        }
        let Value::Dict(entries) = &mut self.values[target] else {
            return Err(self.fail("a dictionary", self.shown(target)));
        };
        entries.extend(pairs.iter().map(|&[key, value]| (key, value)));
        self.stack.push(target);
        self.bounded(target)
    }

    fn append(&mut self, items: &[usize]) -> Result<(), Mismatch> {
        let target = self.pop()?;
        let Value::List(list) = &mut self.values[target] else {
            return Err(self.fail("a list", self.shown(target)));
        };
        list.extend(items);
        self.stack.push(target);
        self.bounded(target)
    }

    fn bounded(&self, target: usize) -> Result<(), Mismatch> {
        let len = match &self.values[target] {
            Value::Dict(entries) => entries.len(),
            Value::List(items) => items.len(),
            _ => 0,
        };
        if len <= VALUES {
            Ok(())
        } else {
            Err(self.fail(format!("at most {VALUES} values"), "more"))
        }
    }
}
