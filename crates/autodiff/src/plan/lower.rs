//! Dead nodes dropped, equal nodes merged, views turned into layouts.

use std::collections::HashMap;
use std::sync::Arc;

use super::step::{Data, Kept};
use super::target::Target;
use super::worklist::{Assigned, Home, Unit, Value, View, Work, Worklist};
use crate::graph::{Assignment, Constant, Kind, State};
use crate::{DType, Function, Layout, Op, Signature};

/// Reduces the graph to the units that `outputs` and the assignments need.
pub(crate) fn lower(
    dtype: DType,
    state: &State,
    outputs: &[usize],
    target: &dyn Target,
) -> Worklist {
    let mut lowering = Lowering {
        dtype,
        state,
        target,
        list: Worklist::default(),
        views: vec![None; state.nodes.len()],
        canonical: (0..state.nodes.len()).collect(),
        seen: HashMap::new(),
        scalars: HashMap::new(),
        dense: HashMap::new(),
        packed: HashMap::new(),
    };
    for (input, info) in state.inputs.iter().enumerate() {
        let len = info.shape.iter().product();
        lowering.list.values.push(Value { dtype: info.dtype, len, home: Home::Input(input) });
    }
    let live = live(state, outputs);
    for (id, _) in live.iter().enumerate().filter(|(_, live)| **live) {
        lowering.node(id);
    }
    for (index, &output) in outputs.iter().enumerate() {
        lowering.output(index, output);
    }
    for assignment in &state.assignments {
        lowering.assignment(*assignment);
    }
    lowering.keep();
    lowering.list
}

fn live(state: &State, outputs: &[usize]) -> Vec<bool> {
    let mut live = vec![false; state.nodes.len()];
    let mut mark = |id: usize| live[id] = true;
    outputs.iter().copied().for_each(&mut mark);
    for assignment in &state.assignments {
        match *assignment {
            Assignment::Whole { target, value } => [target, value].into_iter().for_each(&mut mark),
            Assignment::Rows { target, indices, rows } => {
                [target, indices, rows].into_iter().for_each(&mut mark);
            }
        }
    }
    for id in (0..live.len()).rev() {
        if live[id] {
            state.nodes[id].inputs.iter().for_each(|&input| live[input] = true);
        }
    }
    live
}

struct Lowering<'a> {
    dtype: DType,
    state: &'a State,
    target: &'a dyn Target,
    list: Worklist,
    views: Vec<Option<View>>,
    /// The first node equal to each node.
    canonical: Vec<usize>,
    seen: HashMap<(String, Vec<usize>), usize>,
    /// Constants of one value, by their bits.
    scalars: HashMap<u64, usize>,
    /// Contiguous copies of strided views, by node.
    dense: HashMap<usize, View>,
    /// What the target packed, by operation and node.
    packed: HashMap<(String, usize), View>,
}

impl Lowering<'_> {
    fn node(&mut self, id: usize) {
        let node = &self.state.nodes[id];
        let view = match &node.kind {
            Kind::Input(input) => View { value: *input, layout: Layout::contiguous(&node.shape) },
            Kind::Constant(constant) => self.constant(constant, &node.shape),
            Kind::Apply(op) => {
                let inputs: Vec<usize> =
                    node.inputs.iter().map(|&input| self.canonical[input]).collect();
                if let Some(key) = op.key() {
                    let first = *self.seen.entry((key, inputs.clone())).or_insert(id);
                    if first != id {
                        self.canonical[id] = first;
                        self.views[id] = self.views[first].clone();
                        return;
                    }
                }
                self.apply(op, &inputs, &node.shape, node.dtype)
            }
        };
        self.views[id] = Some(view);
    }

    fn view(&self, node: usize) -> View {
        match &self.views[node] {
            Some(view) => view.clone(),
            None => unreachable!("node {node} is read before it is lowered"),
        }
    }

    fn apply(&mut self, op: &Arc<dyn Op>, inputs: &[usize], shape: &[usize], dtype: DType) -> View {
        if let Some(function) = op.elementwise() {
            return self.elementwise(function, inputs, shape);
        }
        if let Some(input) = inputs.first() {
            let view = self.view(*input);
            if let Some(layout) = op.view(&view.layout) {
                return View { value: view.value, layout };
            }
            if op.view(&Layout::contiguous(&view.layout.shape)).is_some() {
                let view = self.dense(*input);
                let layout = op.view(&view.layout).unwrap_or_else(|| Layout::contiguous(shape));
                return View { value: view.value, layout };
            }
        }
        let mut reads: Vec<View> = inputs
            .iter()
            .enumerate()
            .map(|(i, &input)| {
                let view = self.view(input);
                let taken =
                    view.layout.is_contiguous() || self.target.accepts(&**op, i, &view.layout);
                if taken { view } else { self.dense(input) }
            })
            .collect();
        if let Some((operand, packer)) = self.target.packed(&**op) {
            reads.push(self.packed(&packer, inputs[operand]));
        }
        self.unit(Work::Kernel(Arc::clone(op)), reads, shape, dtype)
    }

    /// What an operation of the target's makes of a node, once for all that want it.
    fn packed(&mut self, packer: &Arc<dyn Op>, node: usize) -> View {
        let key = packer.key().map(|key| (key, node));
        if let Some(known) = key.as_ref().and_then(|key| self.packed.get(key)) {
            return known.clone();
        }
        let read = self.dense(node);
        let shape = read.layout.shape.clone();
        let dtype = self.list.values[read.value].dtype;
        let signature = match packer.infer(&[Signature { shape, dtype }]) {
            Ok(signature) => signature,
            Err(error) => panic!("an operand that its operation took: {error}"),
        };
        let work = Work::Kernel(Arc::clone(packer));
        let view = self.unit(work, vec![read], &signature.shape, signature.dtype);
        if let Some(key) = key {
            self.packed.insert(key, view.clone());
        }
        self.list.packed.push(self.list.units.len() - 1);
        view
    }

    /// An elementwise unit, unless constants decide it.
    fn elementwise(&mut self, function: Function, inputs: &[usize], shape: &[usize]) -> View {
        let reads: Vec<View> = inputs.iter().map(|&input| self.view(input)).collect();
        let fixed: Vec<Option<f64>> = reads.iter().map(|view| self.scalar_of(view)).collect();
        match (function, &fixed[..]) {
            (Function::Mul, [_, Some(1.0)]) | (Function::Add | Function::Sub, [_, Some(0.0)]) => {
                return reads[0].clone();
            }
            (Function::Mul, [Some(1.0), _]) | (Function::Add, [Some(0.0), _]) => {
                return reads[1].clone();
            }
            (Function::MulScalar(1.0), _) => return reads[0].clone(),
            _ => {}
        }
        if let Some(values) = fixed.into_iter().collect::<Option<Vec<f64>>>() {
            return self.folded(function, &values, shape);
        }
        self.unit(Work::Elementwise(function), reads, shape, self.dtype)
    }

    /// The value of a view that holds one constant everywhere.
    fn scalar_of(&self, view: &View) -> Option<f64> {
        let value = self.list.values[view.value];
        let Home::Constant(index) = value.home else { return None };
        if value.len != 1 {
            return None;
        }
        self.list.constants[index].first()
    }

    fn folded(&mut self, function: Function, values: &[f64], shape: &[usize]) -> View {
        let value = match self.dtype {
            DType::F64 => function.of(values),
            _ => {
                let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
                f64::from(function.of(&values))
            }
        };
        let value = self.scalar(value);
        let layout = Layout { shape: shape.to_vec(), strides: vec![0; shape.len()], offset: 0 };
        View { value, layout }
    }

    fn constant(&mut self, constant: &Constant, shape: &[usize]) -> View {
        let value = match constant {
            Constant::Float(values) if values.len() == 1 => self.scalar(values[0]),
            Constant::Float(values) => self.stored(Data::floats(self.dtype, values)),
            Constant::Index(values) => self.stored(Data::U32(values.clone())),
        };
        View { value, layout: Layout::contiguous(shape) }
    }

    fn scalar(&mut self, value: f64) -> usize {
        if let Some(&known) = self.scalars.get(&value.to_bits()) {
            return known;
        }
        let stored = self.stored(Data::floats(self.dtype, &[value]));
        self.scalars.insert(value.to_bits(), stored);
        stored
    }

    fn stored(&mut self, data: Data) -> usize {
        let home = Home::Constant(self.list.constants.len());
        self.list.values.push(Value {
            dtype: data.dtype(),
            len: data.bytes().len() / data.dtype().size(),
            home,
        });
        self.list.constants.push(data);
        self.list.values.len() - 1
    }

    fn unit(&mut self, work: Work, reads: Vec<View>, shape: &[usize], dtype: DType) -> View {
        let value = self.list.values.len();
        let len = shape.iter().product();
        self.list.values.push(Value { dtype, len, home: Home::Computed });
        self.list.units.push(Unit { work, reads, value, shape: shape.to_vec() });
        View { value, layout: Layout::contiguous(shape) }
    }

    fn copy(&mut self, view: View) -> View {
        let dtype = self.list.values[view.value].dtype;
        let shape = view.layout.shape.clone();
        self.unit(Work::Elementwise(Function::Copy), vec![view], &shape, dtype)
    }

    /// A contiguous view of a node's elements, copied once if need be.
    fn dense(&mut self, node: usize) -> View {
        let node = self.canonical[node];
        let view = self.view(node);
        if view.layout.is_contiguous() {
            return view;
        }
        if let Some(copy) = self.dense.get(&node) {
            return copy.clone();
        }
        let copy = self.copy(view);
        self.dense.insert(node, copy.clone());
        copy
    }

    /// Gives what is made of whole inputs that no assignment changes a home that lasts.
    fn keep(&mut self) {
        let list = &mut self.list;
        for &unit in &list.packed {
            let (value, read) = (list.units[unit].value, &list.units[unit].reads[0]);
            let Home::Input(input) = list.values[read.value].home else { continue };
            if list.assigned.iter().all(|assigned| assigned.target.value != read.value) {
                list.values[value].home = Home::Kept(list.kept.len());
                list.kept.push(Kept {
                    input,
                    dtype: list.values[value].dtype,
                    len: list.values[value].len,
                });
            }
        }
    }

    /// Gives a node's value to an output, by a copy where it is not free to move there.
    fn output(&mut self, index: usize, node: usize) {
        let mut view = self.view(node);
        let whole = |view: &View, values: &[Value]| {
            let value = values[view.value];
            value.home == Home::Computed
                && view.layout.is_contiguous()
                && view.layout.len() == value.len
        };
        if !whole(&view, &self.list.values) {
            view = self.copy(view);
        }
        let value = &mut self.list.values[view.value];
        value.home = Home::Output(index);
        self.list.outputs.push((value.dtype, value.len));
    }

    fn assignment(&mut self, assignment: Assignment) {
        let (target, value, indices) = match assignment {
            Assignment::Whole { target, value } => (target, value, None),
            Assignment::Rows { target, indices, rows } => (target, rows, Some(self.dense(indices))),
        };
        let target = self.view(target);
        let mut value = self.view(value);
        let home = self.list.values[value.value].home;
        // Inputs may change before they are read, and strided values are no run of memory.
        if !value.layout.is_contiguous() || matches!(home, Home::Input(_) | Home::Constant(_)) {
            value = self.copy(value);
        }
        self.list.assigned.push(Assigned { target, value, indices });
    }
}
