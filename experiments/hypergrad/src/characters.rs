//! Omniglot alphabets as classification tasks, padded into one batch.

use datasets::Store;
use datasets::omniglot::{self, Drawings, PIXELS, SIDE};
use experiment::{Error, Run, Stream};
use rand::seq::SliceRandom;

/// The paper's five alphabets, counted from 0 in the order of sets and names.
const ALPHABETS: [usize; 5] = [6, 10, 23, 38, 39];
/// Drawings of each character that are used, and how many of them are for training.
const USED: usize = 15;
const TRAIN: usize = 12;

/// One drawing: its values and the number of its character in the alphabet.
type Drawn = (Vec<f32>, u32);

/// Ten tasks of telling the characters of one alphabet apart: five alphabets, each upright and
/// turned by 90 degrees.
pub(crate) struct Tasks {
    /// Training drawings: tasks, then characters, then drawings.
    train: Vec<Vec<Vec<Drawn>>>,
    test: Vec<Vec<Vec<Drawn>>>,
}

/// Drawings of all tasks as the arrays of one batch; shorter tasks are padded.
pub(crate) struct Stacked {
    /// Drawings a task.
    pub(crate) rows: usize,
    /// `[tasks, rows, 784]`.
    pub(crate) pixels: Vec<f32>,
    /// `[tasks, rows]`; `u32::MAX` where there is no drawing.
    pub(crate) classes: Vec<u32>,
    /// One over the task's number of drawings, `[tasks, rows]`.
    pub(crate) weights: Vec<f32>,
}

impl Tasks {
    /// Reads the alphabets; which drawings are for training is drawn from `run`'s seed.
    pub(crate) fn load(run: &Run<'_>) -> Result<Self, Error> {
        let paths = run.data();
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let drawings = omniglot::load(&store).map_err(|e| Error::data(omniglot::DATASET, e))?;
        let split = run.stream("drawings");
        let mut tasks = Self { train: Vec::new(), test: Vec::new() };
        for turned in [false, true] {
            for alphabet in ALPHABETS {
                tasks.push(&drawings, alphabet, turned, &split);
            }
        }
        tasks.centre();
        Ok(tasks)
    }

    /// Takes the mean of all drawings from each.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a mean of a few thousand values between 0 and 1"
    )]
    fn centre(&mut self) {
        let mut mean = vec![0.0f64; PIXELS];
        let mut count = 0;
        for (values, _) in self.train.iter().chain(&self.test).flatten().flatten() {
            mean.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            count += 1;
        }
        let mean: Vec<f32> = mean.iter().map(|sum| (sum / f64::from(count)) as f32).collect();
        for (values, _) in self.train.iter_mut().chain(&mut self.test).flatten().flatten() {
            values.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        }
    }

    fn push(&mut self, drawings: &Drawings, alphabet: usize, turned: bool, split: &Stream) {
        let mut rng = split.rng(alphabet as u64);
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (character, class) in drawings.alphabets[alphabet].characters.iter().zip(0u32..) {
            let mut numbers = character.drawings.clone();
            numbers.shuffle(&mut rng);
            let mut drawn = numbers.iter().take(USED).map(|&number| {
                let values = drawings.drawing(number);
                (if turned { turn(values) } else { shares(values) }, class)
            });
            train.push(drawn.by_ref().take(TRAIN).collect());
            test.push(drawn.collect());
        }
        self.train.push(train);
        self.test.push(test);
    }

    /// All training drawings, and all test drawings.
    pub(crate) fn whole(&self) -> [Stacked; 2] {
        let all = |tasks: &[Vec<Vec<Drawn>>]| {
            Stacked::new(
                &tasks.iter().map(|task| task.iter().flatten().collect()).collect::<Vec<_>>(),
            )
        };
        [all(&self.train), all(&self.test)]
    }

    /// Training drawings less `held` a character, and those, chosen by `stream`.
    pub(crate) fn split(&self, held: usize, stream: &Stream) -> [Stacked; 2] {
        let (mut kept, mut out) = (Vec::new(), Vec::new());
        for (task, number) in self.train.iter().zip(0..) {
            let mut rng = stream.rng(number);
            let (mut stay, mut leave) = (Vec::new(), Vec::new());
            for character in task {
                let mut drawn: Vec<&Drawn> = character.iter().collect();
                drawn.shuffle(&mut rng);
                let (first, rest) = drawn.split_at(held.min(drawn.len()));
                leave.extend(first);
                stay.extend(rest);
            }
            kept.push(stay);
            out.push(leave);
        }
        [Stacked::new(&kept), Stacked::new(&out)]
    }
}

impl Stacked {
    fn new(tasks: &[Vec<&Drawn>]) -> Self {
        let rows = tasks.iter().map(Vec::len).max().unwrap_or(0);
        let mut stacked = Self {
            rows,
            pixels: vec![0.0; tasks.len() * rows * PIXELS],
            classes: vec![u32::MAX; tasks.len() * rows],
            weights: vec![0.0; tasks.len() * rows],
        };
        for (at, task) in tasks.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "at most a thousand drawings")]
            let weight = 1.0 / task.len() as f32;
            for (row, (values, class)) in task.iter().enumerate() {
                let row = at * rows + row;
                stacked.pixels[row * PIXELS..(row + 1) * PIXELS].copy_from_slice(values);
                stacked.classes[row] = *class;
                stacked.weights[row] = weight;
            }
        }
        stacked
    }
}

fn shares(values: &[u8]) -> Vec<f32> {
    values.iter().map(|&value| f32::from(value) / 255.0).collect()
}

/// Turned by 90 degrees.
fn turn(values: &[u8]) -> Vec<f32> {
    let place = |at: usize| (SIDE - 1 - at % SIDE) * SIDE + at / SIDE;
    (0..PIXELS).map(|at| f32::from(values[place(at)]) / 255.0).collect()
}

#[cfg(test)]
impl Tasks {
    /// Ten tasks of three characters made up from stripes, with four drawings of each to train on.
    pub(crate) fn made_up() -> Self {
        let drawn = |task: usize, class: u32, number: usize| {
            let value = |pixel: usize| {
                let stripe = pixel % (5 + task) == class as usize;
                f32::from(u8::from(stripe)) + ((pixel * 31 + number * 17) % 13) as f32 / 40.0
            };
            ((0..PIXELS).map(value).collect(), class)
        };
        let tasks = |numbers: std::ops::Range<usize>| -> Vec<Vec<Vec<Drawn>>> {
            let character =
                |task, class| numbers.clone().map(|number| drawn(task, class, number)).collect();
            (0..10).map(|task| (0..3).map(|class| character(task, class)).collect()).collect()
        };
        let mut made = Self { train: tasks(0..4), test: tasks(4..6) };
        made.centre();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_turns_are_none() {
        let drawing: Vec<u8> = (0..PIXELS).map(|at| (at * at % 251) as u8).collect();
        let bytes = |turned: Vec<f32>| -> Vec<u8> {
            turned.iter().map(|value| (value * 255.0).round() as u8).collect()
        };
        let mut turned = drawing.clone();
        for _ in 0..4 {
            turned = bytes(turn(&turned));
        }
        assert_eq!(turned, drawing);
        // The bottom left corner comes to the top left.
        assert_eq!(bytes(turn(&drawing))[0], drawing[(SIDE - 1) * SIDE]);
    }

    #[test]
    fn tasks_are_padded_and_weighted() {
        let drawn = |class| (vec![1.0; PIXELS], class);
        let (a, b, c) = (drawn(0), drawn(1), drawn(2));
        let stacked = Stacked::new(&[vec![&a, &b], vec![&c]]);
        assert_eq!(stacked.rows, 2);
        assert_eq!(stacked.classes, [0, 1, 2, u32::MAX]);
        assert_eq!(stacked.weights, [0.5, 0.5, 1.0, 0.0]);
        assert_eq!(stacked.pixels[3 * PIXELS..], [0.0; PIXELS]);
    }
}
