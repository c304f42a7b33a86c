//! The graph, a list of nodes in topological order that only grows; its variables; and what an
//! operation is. Each is said by the others.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use crate::exec::Call;
use crate::{DType, Error, Function, Layout, Signature};

/// Nodes of one float type, and the assignments a program of them makes.
#[derive(Debug)]
pub struct Graph {
    dtype: DType,
    pub(crate) state: RefCell<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub nodes: Vec<Node>,
    pub inputs: Vec<InputInfo>,
    pub assignments: Vec<Assignment>,
}

/// An input of a graph or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputInfo {
    /// The name it was declared with.
    pub name: String,
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: Kind,
    pub inputs: Rc<[usize]>,
    pub shape: Rc<[usize]>,
    pub dtype: DType,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Input(usize),
    Constant(Rc<Constant>),
    Apply(Arc<dyn Op>),
}

#[derive(Debug, PartialEq)]
pub(crate) enum Constant {
    Float(Vec<f64>),
    Index(Vec<u32>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Assignment {
    Whole { target: usize, value: usize },
    Rows { target: usize, indices: usize, rows: usize },
}

impl Graph {
    /// An empty graph whose floats are of `dtype`.
    ///
    /// # Panics
    /// If `dtype` is [`DType::U32`].
    #[must_use]
    pub fn new(dtype: DType) -> Graph {
        assert!(dtype != DType::U32, "a graph's floats are F32 or F64");
        Graph { dtype, state: RefCell::default() }
    }

    /// The float type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Number of nodes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.borrow().nodes.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A float input of the program, in order of declaration.
    pub fn input(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.declare(name, shape, self.dtype)
    }

    /// An input of indices.
    pub fn index_input(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.declare(name, shape, DType::U32)
    }

    fn declare(&self, name: &str, shape: &[usize], dtype: DType) -> Var<'_> {
        let index = {
            let mut state = self.state.borrow_mut();
            state.inputs.push(InputInfo { name: name.to_owned(), shape: shape.to_vec(), dtype });
            state.inputs.len() - 1
        };
        self.push(Kind::Input(index), &[], shape, dtype)
    }

    /// Fixed floats, row-major, rounded to the graph's type.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of values is not that of the shape.
    pub fn constant(&self, values: &[f64], shape: &[usize]) -> Result<Var<'_>, Error> {
        filled(values.len(), shape)?;
        let constant = Kind::Constant(Rc::new(Constant::Float(values.to_vec())));
        Ok(self.push(constant, &[], shape, self.dtype))
    }

    /// Fixed indices, row-major.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of values is not that of the shape.
    pub fn index_constant(&self, values: &[u32], shape: &[usize]) -> Result<Var<'_>, Error> {
        filled(values.len(), shape)?;
        let constant = Kind::Constant(Rc::new(Constant::Index(values.to_vec())));
        Ok(self.push(constant, &[], shape, DType::U32))
    }

    /// A fixed scalar, of shape `[]`.
    pub fn scalar(&self, value: f64) -> Var<'_> {
        self.push(Kind::Constant(Rc::new(Constant::Float(vec![value]))), &[], &[], self.dtype)
    }

    /// One value in every place of `shape`; costs no storage.
    pub fn full(&self, value: f64, shape: &[usize]) -> Var<'_> {
        self.scalar(value).stretched(shape)
    }

    /// Writes `op` over `inputs` into the graph: the one door for every operation.
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph, and what the operation's
    /// [`Op::infer`] finds wrong.
    pub fn apply<'g>(&'g self, op: impl Op, inputs: &[Var<'g>]) -> Result<Var<'g>, Error> {
        if inputs.iter().any(|input| !std::ptr::eq(input.graph(), self)) {
            return Err(Error::ForeignGraph { op: op.name() });
        }
        let signatures: Vec<Signature> = inputs.iter().map(Var::signature).collect();
        let output = op.infer(&signatures)?;
        let ids: Vec<usize> = inputs.iter().map(Var::id).collect();
        Ok(self.push(Kind::Apply(Arc::new(op)), &ids, &output.shape, output.dtype))
    }

    /// Replaces `target` by `value` after every read of the program.
    ///
    /// `target` is a float input, or a contiguous view of one (slices of the leading axis and
    /// reshapes). An elementwise `value` is written in place. Assignments to one place happen in
    /// the order they were made.
    ///
    /// # Errors
    /// [`Error::NotAssignable`] for any other target, [`Error::Shapes`] if the shapes differ.
    pub fn assign<'g>(&'g self, target: Var<'g>, value: Var<'g>) -> Result<(), Error> {
        self.own("assign", &[target, value])?;
        self.assignable(target)?;
        if target.shape() != value.shape() {
            return Err(Error::Shapes {
                op: "assign",
                left: target.shape(),
                right: value.shape(),
                wanted: "one shape",
            });
        }
        self.float_value("assign", value)?;
        let assignment = Assignment::Whole { target: target.id(), value: value.id() };
        self.state.borrow_mut().assignments.push(assignment);
        Ok(())
    }

    /// Replaces the rows of `target` `[V, ..]` that `indices` (u32, `[n]`, distinct) name by `rows`
    /// `[n, ..]`, after every read of the program.
    ///
    /// `u32::MAX` entries are skipped. The cost does not depend on V.
    ///
    /// # Errors
    /// As [`Graph::assign`].
    pub fn assign_rows<'g>(
        &'g self,
        target: Var<'g>,
        indices: Var<'g>,
        rows: Var<'g>,
    ) -> Result<(), Error> {
        let op = "assign_rows";
        self.own(op, &[target, indices, rows])?;
        self.assignable(target)?;
        self.float_value(op, rows)?;
        if indices.dtype() != DType::U32 {
            return Err(Error::Type { op, wanted: DType::U32, found: indices.dtype() });
        }
        let (table, index, row) = (target.shape(), indices.shape(), rows.shape());
        if table.is_empty() || index.len() != 1 || row.is_empty() || row[1..] != table[1..] {
            let wanted = "rows of the target's row shape, and one axis of indices";
            return Err(Error::Shapes { op, left: table, right: row, wanted });
        }
        if index[0] != row[0] {
            return Err(Error::Shapes { op, left: index, right: row, wanted: "an index a row" });
        }
        self.state.borrow_mut().assignments.push(Assignment::Rows {
            target: target.id(),
            indices: indices.id(),
            rows: rows.id(),
        });
        Ok(())
    }

    /// Names of the operations that `outputs` depend on, each once, in alphabetical order.
    ///
    /// ```
    /// use autodiff::{DType, Graph};
    ///
    /// let graph = Graph::new(DType::F32);
    /// let x = graph.input("x", &[2]);
    /// assert_eq!(graph.operations(&[x.exp().sum_all()])?, ["exp", "sum"]);
    /// # Ok::<(), autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ForeignGraph`] for a variable of another graph.
    pub fn operations(&self, outputs: &[Var<'_>]) -> Result<Vec<&'static str>, Error> {
        self.own("operations", outputs)?;
        let state = self.state.borrow();
        let mut seen = vec![false; state.nodes.len()];
        let mut pending: Vec<usize> = outputs.iter().map(Var::id).collect();
        let mut names = BTreeSet::new();
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            let node = &state.nodes[id];
            if let Kind::Apply(op) = &node.kind {
                names.insert(op.name());
            }
            pending.extend(node.inputs.iter());
        }
        Ok(names.into_iter().collect())
    }

    pub(crate) fn push(
        &self,
        kind: Kind,
        inputs: &[usize],
        shape: &[usize],
        dtype: DType,
    ) -> Var<'_> {
        let mut state = self.state.borrow_mut();
        state.nodes.push(Node { kind, inputs: inputs.into(), shape: shape.into(), dtype });
        Var::new(self, state.nodes.len() - 1)
    }

    pub(crate) fn own(&self, op: &'static str, vars: &[Var<'_>]) -> Result<(), Error> {
        if vars.iter().all(|var| std::ptr::eq(var.graph(), self)) {
            Ok(())
        } else {
            Err(Error::ForeignGraph { op })
        }
    }

    fn float_value(&self, op: &'static str, value: Var<'_>) -> Result<(), Error> {
        if value.dtype() == DType::U32 {
            return Err(Error::Type { op, wanted: self.dtype, found: DType::U32 });
        }
        Ok(())
    }

    fn assignable(&self, target: Var<'_>) -> Result<(), Error> {
        let state = self.state.borrow();
        let refuse = |why| Err(Error::NotAssignable { shape: target.shape(), why });
        if target.dtype() == DType::U32 {
            return refuse("it holds indices");
        }
        match state.region(target.id()) {
            None => refuse("it is computed"),
            Some((_, layout)) if !layout.is_contiguous() => refuse("its elements are strided"),
            Some(_) => Ok(()),
        }
    }
}

/// A node of a graph.
///
/// Two variables of a binary operation are broadcast against each other as in NumPy: axes are
/// matched from the last, and an axis of extent 1 is repeated.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    graph: &'g Graph,
    id: usize,
}

impl std::fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Var({}, {:?} {:?})", self.id, self.dtype(), self.shape())
    }
}

impl<'g> Var<'g> {
    pub(crate) fn new(graph: &'g Graph, id: usize) -> Var<'g> {
        Var { graph, id }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn signature(&self) -> Signature {
        Signature { shape: self.shape(), dtype: self.dtype() }
    }

    /// The graph it belongs to.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// Extent of each axis; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.graph.state.borrow().nodes[self.id].shape.to_vec()
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.graph.state.borrow().nodes[self.id].dtype
    }

    /// Number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.graph.state.borrow().nodes[self.id].shape.len()
    }
}

/// An operation: what it yields, how it differentiates, how it runs.
///
/// An operation has exactly one of: [`Op::elementwise`] (elementwise, fused by the plan), [`Op::view`] (no
/// work at all) or [`Op::kernel`].
pub trait Op: Any + Debug + Send + Sync {
    /// Name in error messages.
    fn name(&self) -> &'static str;

    /// Shape and type of the result.
    ///
    /// # Errors
    /// When the operands do not suit the operation.
    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error>;

    /// The gradient of each operand, written in operations of the graph.
    ///
    /// `None` stands for zero, and may be given for operands that `at.wanted` leaves out.
    ///
    /// # Errors
    /// [`Error::NoRule`] without a rule; when an operation of the rule fails.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let _ = at;
        Err(Error::NoRule { op: self.name() })
    }

    /// Computes the result from contiguous operands.
    ///
    /// # Errors
    /// When the values do not suit, such as an index outside its table.
    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        let _ = call;
        Err(Error::Custom { op: self.name(), message: "has no kernel".into() })
    }

    /// The elementwise function, if the operation is one: operands of one shape and float type in,
    /// the same out.
    fn elementwise(&self) -> Option<Function> {
        None
    }

    /// The result as a view of the first operand's storage.
    ///
    /// `None` where the operand's layout does not allow it; where even a contiguous operand does
    /// not, the operation is no view.
    fn view(&self, input: &Layout) -> Option<Layout> {
        let _ = input;
        None
    }

    /// Whether the kernel takes this operand in this layout, though it is not contiguous.
    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        let _ = (input, layout);
        false
    }

    /// Whether the kernel takes one more operand, a term of this layout, which it adds to the finished
    /// result at less cost than a step of its own.
    ///
    /// The term has as many elements as the result, and is contiguous or broadcast from a row.
    fn epilogue(&self, inputs: &[&Layout], term: &Layout) -> bool {
        let _ = (inputs, term);
        false
    }

    /// Whether the result is the matrix product of the first two operands, plus the third if there is
    /// one: then [`Op::takes_products`] may spare it.
    fn product(&self) -> bool {
        false
    }

    /// Whether the kernel takes, in place of its first operand, the factors of `count` outer products
    /// that add up to it: column and row of each, then the other operands. The result's rows have
    /// `width` elements.
    fn takes_products(&self, count: usize, width: usize, inputs: &[&Layout]) -> bool {
        let _ = (count, width, inputs);
        false
    }

    /// What the kernel wants to be made of an operand beforehand, as one more operand after the others:
    /// the operand's number, and the operation that makes it, whose shape is the kernel's affair.
    ///
    /// Where the operand is an input that the program does not assign, it is made again only when the
    /// input was written.
    fn packed(&self) -> Option<(usize, Arc<dyn Op>)> {
        None
    }

    /// The operation in simpler ones, for devices that have no kernel for it.
    ///
    /// # Errors
    /// When one of them fails.
    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let _ = operands;
        None
    }

    /// A text that is equal only for operations that yield equal results from equal operands: with one,
    /// repeated work is computed once.
    ///
    /// By default it is the operation's type and debug text, which must show every parameter; `None` for
    /// an operation that cannot be told from others by it.
    fn key(&self) -> Option<String> {
        Some(format!("{} {self:?}", std::any::type_name::<Self>()))
    }
}

/// What a derivative rule sees.
#[derive(Debug)]
pub struct Derivative<'a, 'g> {
    /// The operands.
    pub inputs: &'a [Var<'g>],
    /// The result.
    pub output: Var<'g>,
    /// Gradient of the differentiated scalar with respect to the result; of the result's shape.
    pub gradient: Var<'g>,
    /// Which operands' gradients are wanted.
    pub wanted: &'a [bool],
}

impl<'g> Derivative<'_, 'g> {
    /// The gradient of operand `index` by `rule`, if it is wanted.
    ///
    /// # Errors
    /// The rule's.
    pub fn when(
        &self,
        index: usize,
        rule: impl FnOnce() -> Result<Var<'g>, Error>,
    ) -> Result<Option<Var<'g>>, Error> {
        if self.wanted[index] { rule().map(Some) } else { Ok(None) }
    }
}

impl State {
    /// The input a node is a view of and where it lies in it; `None` for anything computed.
    pub(crate) fn region(&self, node: usize) -> Option<(usize, Layout)> {
        let this = &self.nodes[node];
        match &this.kind {
            Kind::Input(index) => Some((*index, Layout::contiguous(&this.shape))),
            Kind::Constant(_) => None,
            Kind::Apply(op) => {
                if op.elementwise().is_some() || this.inputs.len() != 1 {
                    return None;
                }
                let (input, layout) = self.region(this.inputs[0])?;
                Some((input, op.view(&layout)?))
            }
        }
    }
}

fn filled(values: usize, shape: &[usize]) -> Result<(), Error> {
    if shape.iter().product::<usize>() == values {
        return Ok(());
    }
    let wanted = "as many values as the shape holds";
    Err(Error::Shapes { op: "constant", left: vec![values], right: shape.to_vec(), wanted })
}
