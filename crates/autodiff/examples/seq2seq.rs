//! One training step (forward, backward, Adam) of an encoder-decoder with attention, in f32.
//!
//! `cargo run --release -p autodiff --example seq2seq -- --cell lstm|gru` prints one JSON line. The unit
//! is one target token, 640 a step. Batch 32, lengths 20, vocabularies 8000, 256 units; data and
//! weights come from a counter-based generator.

mod measure;

use autodiff::{
    Attention, Buffer, Cell, DType, Device, Error, Graph, Program, Recurrence, Unrolled, Var,
};
use measure::{Arguments, uniform};

const VOCABULARY: usize = 8000;
const UNITS: usize = 256;
const BATCH: usize = 32;
const LENGTH: usize = 20;

/// Token ids, time-major.
fn tokens(seed: u64) -> Vec<u32> {
    let drawn: Vec<u32> =
        uniform(seed, BATCH * LENGTH).map(|u| 3 + (u * (VOCABULARY - 3) as f64) as u32).collect();
    (0..BATCH * LENGTH).map(|i| drawn[i % BATCH * LENGTH + i / BATCH]).collect()
}

/// Names and shapes of the parameters, in the order their streams are numbered.
fn shapes(cell: Cell) -> Vec<(&'static str, Vec<usize>)> {
    let (v, h, g) = (VOCABULARY, UNITS, cell.blocks() * UNITS);
    vec![
        ("Es", vec![v, h]),
        ("Et", vec![v, h]),
        ("fWx", vec![h, g]),
        ("fWh", vec![h, g]),
        ("fb", vec![g]),
        ("bWx", vec![h, g]),
        ("bWh", vec![h, g]),
        ("bb", vec![g]),
        ("dWx", vec![3 * h, g]),
        ("dWh", vec![h, g]),
        ("db", vec![g]),
        ("U", vec![2 * h, h]),
        ("Q", vec![h, h]),
        ("q", vec![h]),
        ("I", vec![2 * h, h]),
        ("i", vec![h]),
        ("R", vec![4 * h, h]),
        ("r", vec![h]),
        ("O", vec![h, v]),
        ("o", vec![v]),
    ]
}

struct Model<'g> {
    graph: &'g Graph,
    cell: Cell,
    parameters: Vec<(&'static str, Var<'g>)>,
}

impl<'g> Model<'g> {
    fn of(&self, name: &str) -> Var<'g> {
        self.parameters.iter().find(|(other, _)| *other == name).expect("a parameter").1
    }

    fn zeros(&self) -> Var<'g> {
        self.graph.full(0.0, &[BATCH, UNITS])
    }

    fn layer(&self, input: Var<'g>, weight: &str, state: Var<'g>) -> Recurrence<'g> {
        let layer = Recurrence::new(self.cell, input, self.of(weight), state);
        if self.cell == Cell::Lstm { layer.with_memory(self.zeros()) } else { layer }
    }

    fn loss(&self, source: Var<'g>, given: Var<'g>, target: Var<'g>) -> Result<Var<'g>, Error> {
        let x = self.of("Es").gather(source)?;
        let forward = x.linear(self.of("fWx"), Some(self.of("fb")))?;
        let forward = self.layer(forward, "fWh", self.zeros()).run()?;
        let backward = x.linear(self.of("bWx"), Some(self.of("bb")))?;
        let backward = self.layer(backward, "bWh", self.zeros()).reversed().run()?;
        let values = self.graph.concat(&[forward.states, backward.states], 2)?.transpose(0, 1)?;
        let ends = self.graph.concat(&[forward.last, backward.last], 1)?;
        let state = ends.linear(self.of("I"), Some(self.of("i")))?.tanh();
        let y = self.of("Et").gather(given)?;
        let (own, read) =
            (self.of("dWx").slice(0, 0..UNITS)?, self.of("dWx").slice(0, UNITS..3 * UNITS)?);
        let attention = Attention {
            keys: values.linear(self.of("U"), None)?,
            values,
            query: self.of("Q"),
            score: self.of("q"),
            weight: read,
            mask: None,
        };
        let input = y.linear(own, Some(self.of("db")))?;
        let Unrolled { states, contexts, .. } =
            self.layer(input, "dWh", state).with_attention(attention).run()?;
        let contexts = contexts.expect("a layer with attention");
        let read = self.graph.concat(&[states, contexts, y], 2)?;
        let out = read.linear(self.of("R"), Some(self.of("r")))?.tanh();
        let logits = out.linear(self.of("O"), Some(self.of("o")))?;
        Ok(logits.cross_entropy(target)?.mean_all())
    }
}

/// Adam with the bias corrections `rate / (1 - beta1^t)` and `1 / (1 - beta2^t)` as inputs.
fn adam(graph: &Graph, model: &Model<'_>, loss: Var<'_>) -> Result<(), Error> {
    let (rate, second) = (graph.input("rate", &[]), graph.input("second", &[]));
    let parameters: Vec<Var<'_>> = model.parameters.iter().map(|pair| pair.1).collect();
    let own: Vec<Var<'_>> = parameters.clone();
    for (w, g) in own.iter().zip(graph.grad(loss, &parameters)?) {
        let (m, v) = (graph.input("m", &w.shape()), graph.input("v", &w.shape()));
        let new_m = m.mul_scalar(0.9).add(g.mul_scalar(0.1))?;
        let new_v = v.mul_scalar(0.999).add(g.square().mul_scalar(0.001))?;
        let root = new_v.mul(second)?.sqrt().add_scalar(1e-8);
        let step = new_m.mul(rate)?.div(root)?;
        graph.assign(*w, w.sub(step)?)?;
        graph.assign(m, new_m)?;
        graph.assign(v, new_v)?;
    }
    Ok(())
}

/// A training step and its inputs, up to the two that change.
struct Training {
    program: Program,
    buffers: Vec<Buffer>,
    corrections: usize,
    steps: i32,
}

impl Training {
    fn new(cell: Cell) -> Result<Training, Error> {
        let graph = Graph::new(DType::F32);
        let parameters =
            shapes(cell).iter().map(|(name, shape)| (*name, graph.input(name, shape))).collect();
        let model = Model { graph: &graph, cell, parameters };
        let index = |name| graph.index_input(name, &[LENGTH, BATCH]);
        let (source, given, target) = (index("source"), index("given"), index("target"));
        let loss = model.loss(source, given, target)?;
        adam(&graph, &model, loss)?;
        let program = graph.compile(&[loss])?;
        let mut buffers: Vec<Buffer> = (100..)
            .zip(shapes(cell))
            .map(|(seed, (_, shape))| {
                let draws = uniform(seed, shape.iter().product());
                let values: Vec<f32> = draws.map(|u| ((2.0 * u - 1.0) / 16.0) as f32).collect();
                Buffer::from_slice(Device::cpu(), &values).expect("memory")
            })
            .collect();
        let target = tokens(2);
        let given: Vec<u32> = [&[1; BATCH][..], &target[..BATCH * (LENGTH - 1)]].concat();
        for indices in [&tokens(1), &given, &target] {
            buffers.push(Buffer::from_slice(Device::cpu(), indices).expect("memory"));
        }
        let corrections = buffers.len();
        for info in &program.inputs()[corrections..] {
            let len = info.shape.iter().product();
            buffers.push(Buffer::zeros(Device::cpu(), info.dtype, len).expect("memory"));
        }
        Ok(Training { program, buffers, corrections, steps: 0 })
    }

    fn step(&mut self) -> Result<f32, Error> {
        self.steps += 1;
        let rate = 1e-3 / (1.0 - 0.9f64.powi(self.steps));
        let second = 1.0 / (1.0 - 0.999f64.powi(self.steps));
        self.buffers[self.corrections] =
            Buffer::from_slice(Device::cpu(), &[rate as f32]).expect("memory");
        self.buffers[self.corrections + 1] =
            Buffer::from_slice(Device::cpu(), &[second as f32]).expect("memory");
        let mut inputs: Vec<&mut Buffer> = self.buffers.iter_mut().collect();
        self.program.run(&mut inputs)?;
        Ok(self.program.output(0).to_vec::<f32>()?[0])
    }
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::read();
    let name = arguments.text("cell", "lstm");
    let cell = match name {
        "lstm" => Cell::Lstm,
        "gru" => Cell::Gru,
        other => panic!("--cell: wanted lstm or gru, found {other:?}"),
    };
    let mut training = Training::new(cell)?;
    let losses = [training.step()?, training.step()?, training.step()?];
    let mut line = arguments.timed((BATCH * LENGTH) as f64, || {
        training.step().expect("sound inputs");
    });
    line["workload"] = "seq2seq".into();
    line["unit"] = "target token".into();
    line["params"] = serde_json::json!({ "cell": name });
    line["check"] = serde_json::json!({ "losses of steps 1-3": losses });
    line["program_bytes"] = training.program.peak_bytes().into();
    println!("{line}");
    Ok(())
}
