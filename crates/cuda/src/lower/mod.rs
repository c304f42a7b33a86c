//! From a plan to commands: every step becomes kernels, products, zeros and copies.

mod convolutions;
mod emit;
mod images;
mod matrices;
mod reductions;
mod rows;
mod shapes;
mod sort;
mod tables;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use autodiff::backend::{Data, Fused, Operand, Plan, Slot, Step, Target};
use autodiff::{DType, Error, Graph, Op, ops};

use crate::chain::Chain;
use crate::command::{Base, Command, Kernel, Place, Word, words};
use crate::launch;
use crate::pool::ALIGNMENT;
use crate::source::suffix;

pub(crate) use emit::Emit;
pub(crate) use matrices::readable;

/// What is wrong with values where a step notes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Note {
    pub op: &'static str,
    pub about: About,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum About {
    /// An index outside a table of so many rows.
    Index(usize),
    /// A matrix that is not positive definite.
    Definite,
    /// A zero on the diagonal of a triangle.
    Diagonal,
}

impl Note {
    /// The error, with the value that was noted.
    pub(crate) fn error(self, value: u32) -> Error {
        let op = self.op;
        match self.about {
            About::Index(rows) => Error::Index { op, index: value, rows },
            About::Definite => Error::NotPositiveDefinite { op },
            About::Diagonal => {
                Error::Custom { op, message: format!("row {value} has a diagonal of zero") }
            }
        }
    }
}

/// A plan, lowered.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    pub commands: Vec<Command<Kernel>>,
    /// Generated kernels by name with suffix: element type and source.
    pub generated: BTreeMap<String, (DType, String)>,
    pub constants: Vec<u8>,
    /// Bytes for intermediate values.
    pub arena: usize,
    /// Bytes that the step that wants most needs for itself.
    pub scratch: usize,
    /// By the number that kernels note, less 1.
    pub notes: Vec<Note>,
}

/// A plan being lowered.
pub(crate) struct Lowering<'a> {
    pub lowered: Lowered,
    target: &'a dyn Target,
    /// Bytes that a step may take for itself where it has the choice.
    room: usize,
}

/// Where what a plan does not own lies, and where in the arena its own values begin.
struct Homes {
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    arena: usize,
}

/// Lowers a plan for a device that offers what `target` says.
///
/// # Errors
/// [`Error::Custom`] for an operation without kernel or definition.
pub(crate) fn lower(plan: &Plan, target: &dyn Target, room: usize) -> Result<Lowered, Error> {
    let mut lowering = Lowering { lowered: Lowered::default(), target, room };
    let start = |base| Place { base, offset: 0 };
    let inputs = plan.slots.iter().filter(|slot| matches!(slot, Slot::Input(_))).count();
    let homes = Homes {
        inputs: (0..inputs).map(|input| start(Base::Input(input))).collect(),
        outputs: (0..plan.outputs.len()).map(|output| start(Base::Output(output))).collect(),
        arena: 0,
    };
    lowering.plan(plan, &homes)?;
    Ok(lowering.lowered)
}

impl Lowering<'_> {
    fn plan(&mut self, plan: &Plan, homes: &Homes) -> Result<(), Error> {
        let constants: Vec<Place> = plan.constants.iter().map(|data| self.constant(data)).collect();
        let place = |slot: &Slot| match *slot {
            Slot::Input(input) => Some(homes.inputs[input]),
            Slot::Constant(constant) => Some(constants[constant]),
            Slot::Output(output) => Some(homes.outputs[output]),
            Slot::Arena { offset, .. } => {
                Some(Place { base: Base::Arena, offset: homes.arena + offset })
            }
            // This target packs no operands, so that nothing is kept.
            Slot::Kept(_) | Slot::Nowhere => None,
        };
        let places: Vec<Option<Place>> = plan.slots.iter().map(place).collect();
        let arena = homes.arena + plan.arena.next_multiple_of(ALIGNMENT);
        self.lowered.arena = self.lowered.arena.max(arena);
        let slots = Slots { places: &places, arena };
        plan.steps.iter().try_for_each(|step| self.step(step, &slots))
    }

    fn constant(&mut self, data: &Data) -> Place {
        let constants = &mut self.lowered.constants;
        constants.resize(constants.len().next_multiple_of(ALIGNMENT), 0);
        let offset = constants.len();
        constants.extend_from_slice(data.bytes());
        Place { base: Base::Constants, offset }
    }

    fn step(&mut self, step: &Step, slots: &Slots<'_>) -> Result<(), Error> {
        match step {
            Step::Fused(fused) => self.fused(fused, slots),
            Step::Kernel { op, operands, output } => {
                if kernel(&**op, &mut Emit::new(self, operands, output, slots)) {
                    return Ok(());
                }
                self.definition(op, operands, output, slots)
            }
            Step::Rows { indices, rows, target } => {
                let operands = [indices.clone(), rows.clone()];
                tables::assign(&mut Emit::new(self, &operands, target, slots));
                Ok(())
            }
        }
    }

    fn fused(&mut self, fused: &Fused, slots: &Slots<'_>) -> Result<(), Error> {
        let results: Vec<Place> = fused.results.iter().map(|result| slots.place(result)).collect();
        // Inputs are assigned last; where something was noted before, they stay as they are.
        let assigns = results.iter().any(|place| matches!(place.base, Base::Input(_)));
        let chain = Chain::new(fused, assigns && !self.lowered.notes.is_empty())?;
        let count: usize = fused.shape.iter().product();
        let mut words: Vec<Word> = words![count, STATUS].into();
        words.extend(fused.operands.iter().map(|operand| Word::from(slots.place(operand))));
        words.extend(results.into_iter().map(Word::from));
        words.extend(chain.extents.iter().map(|&extent| Word::from(extent)));
        words.extend(chain.numbers.iter().map(|&number| Word::from(number)));
        let name = format!("{}_{}", chain.name, suffix(fused.dtype));
        self.lowered.generated.entry(name.clone()).or_insert((fused.dtype, chain.text));
        let kernel = Kernel::Generated(name);
        let grid = launch::elements(count);
        self.lowered.commands.push(Command::Launch { kernel, grid, words });
        Ok(())
    }

    /// Puts an operation's definition in its place.
    fn definition(
        &mut self,
        op: &Arc<dyn Op>,
        operands: &[Operand],
        output: &Operand,
        slots: &Slots<'_>,
    ) -> Result<(), Error> {
        let mut dtypes = [output].into_iter().chain(operands).map(|operand| operand.dtype);
        let float = dtypes.find(|&dtype| dtype != DType::U32);
        let graph = Graph::new(float.unwrap_or(DType::F64));
        let inputs: Vec<_> = operands
            .iter()
            .map(|operand| match operand.dtype {
                DType::U32 => graph.index_input("operand", &operand.layout.shape),
                _ => graph.input("operand", &operand.layout.shape),
            })
            .collect();
        let message = "has neither a kernel on this device nor a definition".into();
        let result = op.definition(&inputs).ok_or(Error::Custom { op: op.name(), message })??;
        let homes = Homes {
            inputs: operands.iter().map(|operand| slots.place(operand)).collect(),
            outputs: vec![slots.place(output)],
            arena: slots.arena,
        };
        self.plan(&graph.plan(&[result], self.target)?, &homes)
    }
}

/// Where kernels note what is wrong.
const STATUS: Place = Place { base: Base::Status, offset: 0 };

/// Where the slots of a plan lie, and the end of its part of the arena.
pub(crate) struct Slots<'a> {
    places: &'a [Option<Place>],
    arena: usize,
}

impl Slots<'_> {
    /// Where an operand's first element lies.
    fn place(&self, operand: &Operand) -> Place {
        match self.places[operand.slot] {
            Some(place) => place.plus(operand.layout.offset * operand.dtype.size()),
            None => panic!("{operand:?} has no memory"),
        }
    }
}

/// Emits the kernels of an operation, if there are any for it.
fn kernel(op: &dyn Op, emit: &mut Emit<'_, '_>) -> bool {
    macro_rules! kernels {
        ($($of:ty => $emit:path;)*) => {
            $(if let Some(op) = (op as &dyn Any).downcast_ref::<$of>() {
                $emit(op, emit);
                return true;
            })*
        };
    }
    kernels! {
        ops::Concat => shapes::concat;
        ops::Pad => shapes::pad;
        ops::Recalled => shapes::recalled;
        ops::Dropout => shapes::dropout;
        ops::Sum => reductions::sum;
        ops::Max => reductions::max;
        ops::Softmax => rows::softmax;
        ops::LogSoftmax => rows::log_softmax;
        ops::LogSumExp => rows::log_sum_exp;
        ops::CrossEntropy => rows::cross_entropy;
        ops::CrossEntropyGradient => rows::cross_entropy_gradient;
        ops::Normalise => rows::normalise;
        ops::InverseDeviation => rows::inverse_deviation;
        ops::TopK => rows::top_k;
        ops::Gather => tables::gather;
        ops::EmbeddingBag => tables::embedding_bag;
        ops::ScatterAdd => tables::scatter_add;
        ops::UniqueRows => tables::unique_rows;
        ops::RowSum => tables::row_sum;
        ops::Position => tables::position;
        ops::Take => tables::take;
        ops::Put => tables::put;
        ops::MatMul => matrices::matmul;
        ops::Gram => matrices::gram;
        ops::Cholesky => matrices::cholesky;
        ops::TriangularSolve => matrices::triangular_solve;
        ops::Solve => matrices::solve;
        ops::Convolution => convolutions::convolution;
        ops::ConvolutionInput => convolutions::convolution_input;
        ops::ConvolutionWeight => convolutions::convolution_weight;
        ops::AveragePool => images::average_pool;
        ops::AveragePoolAdjoint => images::average_pool_adjoint;
        ops::MaxPool => images::max_pool;
        ops::MaxPoolScatter => images::max_pool_scatter;
        ops::MaxPoolSelect => images::max_pool_select;
        ops::ChannelSum => images::channel_sum;
        ops::ResponseNorm => images::response_norm;
        ops::ResponseNormGradient => images::response_norm_gradient;
    }
    false
}
