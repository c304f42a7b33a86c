//! Fused elementwise steps as kernels that are generated for them.
//!
//! Shapes, strides and numbers are words of the parameter, so that one kernel serves all lengths.

use std::fmt::Write as _;

use autodiff::backend::{ElementwiseStep, Fused, Value};
use autodiff::{Error, Function, Layout};
use sha2::{Digest, Sha256};

/// A generated kernel, and the words of its parameter that follow the count, the operands and results.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Name without the suffix of the element type.
    pub name: String,
    /// Source, where `REAL` is the element type.
    pub text: String,
    /// Extents of all axes but the first, then strides of the operands that have some.
    pub extents: Vec<usize>,
    /// Numbers that functions take.
    pub numbers: Vec<f64>,
}

/// How an operand's elements are found.
#[derive(Debug, PartialEq)]
enum Access {
    /// Where the result's lie.
    Direct,
    /// There is one for all.
    Repeated,
    /// By strides.
    Strided(Vec<usize>),
}

/// Elements up to which places are computed in 32 bits.
const NARROW: usize = 1 << 31;

impl Chain {
    /// The kernel of a fused step; a `guarded` one does nothing where something was noted.
    ///
    /// # Errors
    /// [`Error::Custom`] for a function that has no source here.
    pub fn new(fused: &Fused, guarded: bool) -> Result<Chain, Error> {
        let layouts: Vec<&Layout> = fused.operands.iter().map(|operand| &operand.layout).collect();
        let (shape, accesses) = joined(&fused.shape, &layouts);
        let mut numbers = Vec::new();
        let mut body = String::new();
        let strided = accesses.iter().any(|access| matches!(access, Access::Strided(_)));
        if strided {
            coordinates(&mut body, &shape);
        }
        for (load, access) in accesses.iter().enumerate() {
            let place = place(load, access);
            let _ = writeln!(body, "        const REAL x{load} = a.x{load}[{place}];");
        }
        for (step, made) in fused.steps.iter().enumerate() {
            let value = expression(made, &mut numbers)?;
            let _ = writeln!(body, "        const REAL t{step} = {value};");
        }
        for (result, store) in fused.stores.iter().enumerate() {
            let _ = writeln!(body, "        a.y{result}[i] = t{};", store.step);
        }
        let fields = fields(fused, &shape, &accesses, numbers.len());
        let guard = if guarded { "    if (*a.status) return;\n" } else { "" };
        let hash = hash(&format!("{fields}{guard}{body}"));
        let name = format!("chain_{hash}");
        let text = format!(
            "struct Of_{hash} {{\n{fields}}};\n\nKERNEL(NAME({name}), Of_{hash}) {{\n{guard}    \
             EACH(i, a.count) {{\n{body}    }}\n}}\n"
        );
        let mut extents = if strided { shape[1..].to_vec() } else { Vec::new() };
        for access in accesses {
            if let Access::Strided(strides) = access {
                extents.extend(strides);
            }
        }
        Ok(Chain { name, text, extents, numbers })
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(8).fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// The shape with axes joined where every operand allows it, and how each is read over that.
fn joined(shape: &[usize], layouts: &[&Layout]) -> (Vec<usize>, Vec<Access>) {
    let mut extents: Vec<usize> = Vec::new();
    let mut strides: Vec<Vec<usize>> = vec![Vec::new(); layouts.len()];
    for axis in (0..shape.len()).filter(|&axis| shape[axis] != 1) {
        let continues = |(own, layout): (&Vec<usize>, &&Layout)| {
            own.last().is_some_and(|last| *last == layout.strides[axis] * shape[axis])
        };
        if !extents.is_empty() && strides.iter().zip(layouts).all(continues) {
            if let Some(last) = extents.last_mut() {
                *last *= shape[axis];
            }
            for (own, layout) in strides.iter_mut().zip(layouts) {
                if let Some(last) = own.last_mut() {
                    *last = layout.strides[axis];
                }
            }
        } else {
            extents.push(shape[axis]);
            let pairs = strides.iter_mut().zip(layouts);
            pairs.for_each(|(own, layout)| own.push(layout.strides[axis]));
        }
    }
    let accesses = strides.into_iter().map(|strides| access(&extents, strides)).collect();
    (extents, accesses)
}

fn access(extents: &[usize], strides: Vec<usize>) -> Access {
    if strides.iter().all(|&stride| stride == 0) {
        return Access::Repeated;
    }
    let layout = Layout { shape: extents.to_vec(), strides, offset: 0 };
    if layout.is_contiguous() { Access::Direct } else { Access::Strided(layout.strides) }
}

/// The coordinates of element `i`, those of the first axis last.
fn coordinates(body: &mut String, shape: &[usize]) {
    let narrow = shape.iter().product::<usize>() < NARROW;
    let place = if narrow { "word" } else { "size" };
    let _ = writeln!(body, "        {place} rest = ({place})i;");
    for axis in (1..shape.len()).rev() {
        let extent = format!("({place})a.e{axis}");
        let _ = writeln!(body, "        const size i{axis} = rest % {extent};");
        let _ = writeln!(body, "        rest /= {extent};");
    }
    let _ = writeln!(body, "        const size i0 = rest;");
}

fn place(load: usize, access: &Access) -> String {
    match access {
        Access::Direct => "i".into(),
        Access::Repeated => "0".into(),
        Access::Strided(strides) => {
            let terms: Vec<String> =
                (0..strides.len()).map(|axis| format!("i{axis} * a.s{load}_{axis}")).collect();
            terms.join(" + ")
        }
    }
}

fn fields(fused: &Fused, shape: &[usize], accesses: &[Access], numbers: usize) -> String {
    let mut fields = String::from("    size count;\n    const size* status;\n");
    for load in 0..fused.operands.len() {
        let _ = writeln!(fields, "    const REAL* x{load};");
    }
    for result in 0..fused.results.len() {
        let _ = writeln!(fields, "    REAL* y{result};");
    }
    if accesses.iter().any(|access| matches!(access, Access::Strided(_))) {
        for axis in 1..shape.len() {
            let _ = writeln!(fields, "    size e{axis};");
        }
    }
    for (load, access) in accesses.iter().enumerate() {
        if let Access::Strided(strides) = access {
            for axis in 0..strides.len() {
                let _ = writeln!(fields, "    size s{load}_{axis};");
            }
        }
    }
    for number in 0..numbers {
        let _ = writeln!(fields, "    double c{number};");
    }
    fields
}

/// What a step computes, in C.
fn expression(step: &ElementwiseStep, numbers: &mut Vec<f64>) -> Result<String, Error> {
    let ElementwiseStep::Function(function, reads) = step else {
        let message = "a product within a fused step has no kernel on this device".into();
        return Err(Error::Custom { op: "matmul", message });
    };
    let operand = |at: usize| match reads.get(at) {
        Some(Value::Load(load)) => format!("x{load}"),
        Some(Value::Step(step)) => format!("t{step}"),
        None => String::new(),
    };
    let (x, y) = (operand(0), operand(1));
    let mut number = |value: f64| {
        numbers.push(value);
        format!("(REAL)a.c{}", numbers.len() - 1)
    };
    Ok(match *function {
        Function::Copy => x,
        Function::Neg => format!("-{x}"),
        Function::Exp => format!("exp({x})"),
        Function::Log => format!("log({x})"),
        Function::Sqrt => format!("sqrt({x})"),
        Function::Tanh => format!("tanh({x})"),
        Function::Sigmoid => format!("1 / (1 + exp(-{x}))"),
        Function::Relu => format!("{x} < 0 ? (REAL)0 : {x}"),
        Function::Step => format!("{x} > 0 ? (REAL)1 : (REAL)0"),
        Function::Square => format!("{x} * {x}"),
        Function::Powf(exponent) => power(&x, exponent, number),
        Function::AddScalar(c) => format!("{x} + {}", number(c)),
        Function::MulScalar(c) => format!("{x} * {}", number(c)),
        Function::Add => format!("{x} + {y}"),
        Function::Sub => format!("{x} - {y}"),
        Function::Mul => format!("{x} * {y}"),
        Function::Div => format!("{x} / {y}"),
        Function::Maximum => format!("larger({x}, {y})"),
        Function::Pow => format!("pow({x}, {y})"),
        Function::Greater => format!("{x} > {y} ? (REAL)1 : (REAL)0"),
        Function::Equal => format!("{x} == {y} ? (REAL)1 : (REAL)0"),
        function => {
            let message = "has no kernel on this device".into();
            return Err(Error::Custom { op: function.name(), message });
        }
    })
}

/// Exponents that a few multiplications serve go without the general power.
fn power(x: &str, exponent: f64, mut number: impl FnMut(f64) -> String) -> String {
    let written = [
        (2.0, format!("{x} * {x}")),
        (3.0, format!("{x} * {x} * {x}")),
        (1.0, x.to_owned()),
        (0.0, "1".to_owned()),
        (-1.0, format!("1 / {x}")),
        (-2.0, format!("1 / ({x} * {x})")),
        (0.5, format!("sqrt({x})")),
        (-0.5, format!("1 / sqrt({x})")),
    ];
    let known = written.into_iter().find(|(of, _)| *of == exponent);
    known.map_or_else(|| format!("pow({x}, {})", number(exponent)), |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(shape: &[usize], strides: &[usize]) -> Layout {
        Layout { shape: shape.to_vec(), strides: strides.to_vec(), offset: 0 }
    }

    #[test]
    fn axes_are_joined_where_all_operands_allow_it() {
        let shape = [2, 1, 3, 4];
        let (whole, row) = (Layout::contiguous(&shape), layout(&shape, &[0, 0, 0, 1]));
        let (extents, accesses) = joined(&shape, &[&whole, &whole]);
        assert_eq!((extents, accesses), (vec![24], vec![Access::Direct, Access::Direct]));
        let (extents, accesses) = joined(&shape, &[&whole, &row]);
        assert_eq!(extents, [6, 4]);
        assert_eq!(accesses, [Access::Direct, Access::Strided(vec![0, 1])]);
        let turned = layout(&[3, 4], &[1, 3]);
        let (extents, accesses) = joined(&[3, 4], &[&turned]);
        assert_eq!((extents, accesses), (vec![3, 4], vec![Access::Strided(vec![1, 3])]));
        let scalar = layout(&shape, &[0; 4]);
        assert_eq!(joined(&shape, &[&scalar]).1, [Access::Repeated]);
        assert_eq!(joined(&[], &[&Layout::contiguous(&[])]), (vec![], vec![Access::Repeated]));
    }
}
