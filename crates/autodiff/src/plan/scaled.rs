//! Products with a number, computed in the sum or difference that reads them.

use super::Micro;
use crate::exec::fused::{Function, Fused, Instruction, Source, Target};

/// Joins each multiplication by a number with the only instruction that reads it, where that adds or
/// subtracts: one pass over a block in place of two, with the same roundings.
pub(super) fn join(chain: &mut Fused) {
    let mut at = 0;
    while at < chain.code.len() {
        match reader(chain, at) {
            Some((reader, joined)) => {
                chain.code[reader] = joined;
                chain.code.remove(at);
            }
            None => at += 1,
        }
    }
}

/// The instruction that can take in instruction `at`, and what becomes of it.
fn reader(chain: &Fused, at: usize) -> Option<(usize, Instruction)> {
    let Instruction { function: Function::Micro(Micro::MulScalar(c)), x, target, .. } =
        chain.code[at]
    else {
        return None;
    };
    let Target::Register(register) = target else { return None };
    if chain.late.iter().any(|&(late, _)| late == register) {
        return None;
    }
    let product = Source::Register(register);
    let reads = |step: &Instruction| (step.x == product, step.y == product);
    let mut readers = chain
        .code
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(reads(step), (true, _) | (_, true)));
    let (Some((index, step)), None) = (readers.next(), readers.next()) else { return None };
    let (function, y) = match (step.function, reads(step)) {
        (Function::Micro(Micro::Add), (true, false)) => (Function::ScaledPlus(c), step.y),
        (Function::Micro(Micro::Add), (false, true)) => (Function::ScaledPlus(c), step.x),
        (Function::Micro(Micro::Sub), (true, false)) => (Function::ScaledMinus(c), step.y),
        (Function::Micro(Micro::Sub), (false, true)) => (Function::MinusScaled(c), step.x),
        _ => return None,
    };
    Some((index, Instruction { function, x, y, target: step.target }))
}

#[cfg(test)]
mod tests {
    use crate::{Buffer, Device, Float, Graph, Var};

    type Reader = for<'g> fn(Var<'g>, Var<'g>) -> Result<Var<'g>, crate::Error>;

    /// The results of something read together with a scaled input; with `shown`, the latter is an
    /// output too, and computed by itself.
    fn read<T: Float>(reader: Reader, shown: bool) -> Vec<T> {
        let graph = Graph::new(T::DTYPE);
        let [x, y] = ["x", "y"].map(|name| graph.input(name, &[1000]));
        let scaled = x.mul_scalar(0.1);
        let outputs = [reader(scaled, y).unwrap(), scaled];
        let mut program = graph.compile(if shown { &outputs } else { &outputs[..1] }).unwrap();
        let numbers = |scale: f64| -> Buffer {
            let number = |i: usize| T::of(((i * 37) % 101) as f64 * scale - 1.0);
            Buffer::from_slice(Device::cpu(), &(0..1000).map(number).collect::<Vec<T>>())
        };
        let mut inputs = [numbers(0.031), numbers(0.0107)];
        program.run(&mut inputs.each_mut()).unwrap();
        program.output(0).to_vec().unwrap()
    }

    #[test]
    fn a_product_with_a_number_is_rounded_before_it_is_added() {
        let readers: [Reader; 6] = [
            |scaled, y| scaled.add(y),
            |scaled, y| y.add(scaled),
            |scaled, y| scaled.sub(y),
            |scaled, y| y.sub(scaled),
            |scaled, y| y.mul_scalar(3.0).sub(scaled),
            |scaled, _| scaled.add(scaled),
        ];
        for (at, reader) in readers.into_iter().enumerate() {
            assert!(read::<f32>(reader, false) == read::<f32>(reader, true), "{at}");
            assert!(read::<f64>(reader, false) == read::<f64>(reader, true), "{at}");
        }
    }
}
