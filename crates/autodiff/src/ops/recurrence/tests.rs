//! Tests every form of recurrent layer against its step-by-step definition, with its derivatives.

use super::composite::trace;
use super::*;
use crate::check::testing::{check, close, eval};
use crate::{DType, Graph};

fn each_form() -> Vec<Form> {
    let mut forms = Vec::new();
    for cell in [Cell::Lstm, Cell::Gru] {
        for bits in 0..8u8 {
            let (reverse, mask, attention) = (bits & 1 == 1, bits & 2 == 2, bits & 4 == 4);
            forms.push(Form { cell, reverse, attention, mask, places: attention && mask });
        }
    }
    forms
}

const STEPS: usize = 3;
const ROWS: usize = 2;
const WIDTH: usize = 3;

/// Shapes of the operands that have derivatives.
fn shapes(form: Form) -> Vec<Vec<usize>> {
    let gates = form.cell.blocks() * WIDTH;
    let mut shapes = vec![vec![STEPS, ROWS, gates], vec![WIDTH, gates], vec![ROWS, WIDTH]];
    if form.cell == Cell::Lstm {
        shapes.push(vec![ROWS, WIDTH]);
    }
    if form.attention {
        let (places, keys, values) = (4, 2, 5);
        shapes.extend([
            vec![values, gates],
            vec![WIDTH, keys],
            vec![keys],
            vec![ROWS, places, keys],
            vec![ROWS, places, values],
        ]);
    }
    shapes
}

/// The operands with constant masks: row 0 ends after two steps and has two places.
fn operands<'g>(form: Form, graph: &'g Graph, x: &[Var<'g>]) -> Vec<Var<'g>> {
    let mut operands = x.to_vec();
    if form.mask {
        let mask = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0];
        operands.push(graph.constant(&mask, &[STEPS, ROWS]).unwrap());
    }
    if form.places {
        let mask = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        operands.push(graph.constant(&mask, &[ROWS, 4]).unwrap());
    }
    operands
}

fn fused<'g>(form: Form, graph: &'g Graph, x: &[Var<'g>]) -> Result<Var<'g>, Error> {
    let mut operands = operands(form, graph, x);
    operands.push(graph.apply(Forward(form), &operands)?);
    graph.apply(Shown(form), &operands)
}

#[test]
fn every_form_equals_its_definition() {
    for form in each_form() {
        let shapes = shapes(form);
        let draws = |seed: usize, len: usize| -> Vec<f64> {
            (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0).collect()
        };
        let values: Vec<Vec<f64>> =
            shapes.iter().enumerate().map(|(i, s)| draws(i, s.iter().product())).collect();
        let given: Vec<(&[usize], &[f64])> =
            shapes.iter().zip(&values).map(|(s, v)| (&s[..], &v[..])).collect();
        let found = eval(&given, |graph, x| fused(form, graph, x));
        let wanted = eval(&given, |graph, x| {
            let operands = operands(form, graph, x);
            let dims = form.dims(|operand| operands[operand].shape());
            Ok(trace(form, &dims, &operands)?.shown)
        });
        close(&found, &wanted);
    }
}

#[test]
fn every_form_has_its_derivatives() {
    for form in each_form() {
        let shapes = shapes(form);
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        check(&shapes, |graph, x| fused(form, graph, x));
    }
}

#[test]
fn a_padded_step_keeps_the_state() {
    let graph = Graph::new(DType::F64);
    let input = graph.full(0.7, &[3, 1, 8]);
    let weight = graph.full(0.1, &[2, 8]);
    let zeros = graph.full(0.0, &[1, 2]);
    let mask = graph.constant(&[1.0, 0.0, 0.0], &[3, 1]).unwrap();
    let layer = Recurrence::new(Cell::Lstm, input, weight, zeros).with_memory(zeros);
    let run = layer.with_mask(mask).run().unwrap();
    let mut program = graph.compile(&[run.states, run.last]).unwrap();
    program.run(&mut []).unwrap();
    let states = program.output(0).to_vec::<f64>().unwrap();
    // sigmoid(0.7) tanh(sigmoid(0.7) tanh(0.7))
    let (sigmoid, tanh) = (1.0 / (1.0 + (-0.7f64).exp()), 0.7f64.tanh());
    close(&states, &[sigmoid * (sigmoid * tanh).tanh(); 6]);
    assert_eq!(program.output(1).to_vec::<f64>().unwrap(), states[4..]);
}

#[test]
fn a_wrong_operand_is_named() {
    let graph = Graph::new(DType::F32);
    let (input, weight) = (graph.input("x", &[5, 2, 9]), graph.input("w", &[3, 12]));
    let state = graph.input("h", &[2, 3]);
    let error = Recurrence::new(Cell::Gru, input, weight, state).run().unwrap_err();
    let wanted = "recurrence: shape [3, 12] does not fit, wanted a weight of [3, 9]";
    assert_eq!(error.to_string(), wanted);
    let error = Recurrence::new(Cell::Lstm, input, weight, state).run().unwrap_err();
    assert_eq!(error, Error::Arity { op: "recurrence", wanted: 4, found: 3 });
}
