//! One training step (forward, backward, Adam) of an encoder-decoder with attention, in f32.
//!
//! `cargo run --release -p autodiff --example seq2seq_step -- CELL REPETITIONS` with a cell of `lstm`
//! or `gru` prints one JSON line: seconds a step (median and quartiles), seconds of processor time,
//! and the losses of the first three steps. `RAYON_NUM_THREADS` sets the threads. Batch 32, lengths
//! 20, vocabularies 8000, 256 units; data and weights come from a counter-based generator.

use std::time::Instant;

use autodiff::{
    Attention, Buffer, Cell, DType, Device, Error, Graph, Program, Recurrence, Run, Var,
};

const VOCABULARY: usize = 8000;
const UNITS: usize = 256;
const BATCH: usize = 32;
const LENGTH: usize = 20;

/// Element `i` of stream `seed`: splitmix64 of the counter `seed 2^32 + i + 1`, in `[0, 1)`.
fn uniform(seed: u64, len: usize) -> impl Iterator<Item = f64> {
    (1..=len as u64).map(move |i| {
        let mut z = ((seed << 32) + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    })
}

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
        let Run { states, contexts, .. } =
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
                Buffer::from_slice(Device::cpu(), &values)
            })
            .collect();
        let target = tokens(2);
        let given: Vec<u32> = [&[1; BATCH][..], &target[..BATCH * (LENGTH - 1)]].concat();
        for indices in [&tokens(1), &given, &target] {
            buffers.push(Buffer::from_slice(Device::cpu(), indices));
        }
        let corrections = buffers.len();
        for info in &program.inputs()[corrections..] {
            let len = info.shape.iter().product();
            buffers.push(Buffer::zeros(Device::cpu(), info.dtype, len));
        }
        Ok(Training { program, buffers, corrections, steps: 0 })
    }

    fn step(&mut self) -> Result<f32, Error> {
        self.steps += 1;
        let rate = 1e-3 / (1.0 - 0.9f64.powi(self.steps));
        let second = 1.0 / (1.0 - 0.999f64.powi(self.steps));
        self.buffers[self.corrections] = Buffer::from_slice(Device::cpu(), &[rate as f32]);
        self.buffers[self.corrections + 1] = Buffer::from_slice(Device::cpu(), &[second as f32]);
        let mut inputs: Vec<&mut Buffer> = self.buffers.iter_mut().collect();
        self.program.run(&mut inputs)?;
        Ok(self.program.output(0).to_vec::<f32>()?[0])
    }
}

/// Seconds of processor time of this process, user and system.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let cell = match arguments.next().as_deref() {
        None | Some("lstm") => Cell::Lstm,
        Some("gru") => Cell::Gru,
        Some(other) => panic!("wanted lstm or gru, found {other:?}"),
    };
    let repetitions = arguments.next().map_or(9, |text| text.parse().expect("a number"));
    let mut training = Training::new(cell)?;
    let losses = [training.step()?, training.step()?, training.step()?];
    let before = processor_seconds();
    let mut seconds = Vec::new();
    for _ in 0..repetitions {
        let start = Instant::now();
        training.step()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let processor = (processor_seconds() - before) / f64::from(repetitions.max(1));
    seconds.sort_by(f64::total_cmp);
    let quantile = |q: usize| seconds.get(seconds.len() * q / 4).copied().unwrap_or(f64::NAN);
    println!(
        "{{\"workload\": \"seq2seq\", \"cell\": \"{cell:?}\", \"unit\": \"step\", \"threads\": {}, \
         \"seconds\": {}, \"min\": {}, \"q1\": {}, \"q3\": {}, \"cpu_seconds\": {processor}, \
         \"bytes\": {}, \"losses of steps 1-3\": {losses:?}}}",
        std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "null".into()),
        quantile(2),
        quantile(0),
        quantile(1),
        quantile(3),
        training.program.peak_bytes(),
    );
    Ok(())
}
