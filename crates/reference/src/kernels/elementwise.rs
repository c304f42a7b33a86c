//! Functions of single elements, by the standard library.

use autodiff::Function;

use super::super::value::Numbers;

/// The function of every element of its operands.
pub(crate) fn run(function: Function, operands: &[&Numbers]) -> Numbers {
    if function == Function::Copy {
        return operands[0].clone();
    }
    let x = operands[0].floats();
    let value = |i: usize| match operands {
        [_, y] => two(function, x[i], y.floats()[i]),
        _ => one(function, x[i]),
    };
    Numbers::Floats((0..x.len()).map(value).collect())
}

fn one(function: Function, x: f64) -> f64 {
    match function {
        Function::Neg => -x,
        Function::Exp => x.exp(),
        Function::Log => x.ln(),
        Function::Sqrt => x.sqrt(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Relu if x.is_nan() => x,
        Function::Relu => x.max(0.0),
        Function::Step => truth(x > 0.0),
        Function::Square => x * x,
        Function::Powf(exponent) => x.powf(exponent),
        Function::AddScalar(number) => x + number,
        Function::MulScalar(number) => x * number,
        function => panic!("no loop for {function:?}"),
    }
}

fn two(function: Function, x: f64, y: f64) -> f64 {
    match function {
        Function::Add => x + y,
        Function::Sub => x - y,
        Function::Mul => x * y,
        Function::Div => x / y,
        Function::Maximum if x.is_nan() || y.is_nan() => f64::NAN,
        Function::Maximum => x.max(y),
        Function::Pow => x.powf(y),
        Function::Greater => truth(x > y),
        Function::Equal => truth(x == y),
        function => panic!("no loop for {function:?}"),
    }
}

fn truth(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}
