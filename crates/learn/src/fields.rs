//! The arrays of a batch: named, typed and declared once.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Index;

use autodiff::{DType, Graph, Var};

/// An array of a batch. A [`Batch`](crate::Batch) gives its elements by it and [`BatchVars`] its
/// variable; `T` is `f32` or `u32`.
pub struct Field<T> {
    pub(crate) place: usize,
    pub(crate) name: &'static str,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<T> {}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.name)
    }
}

/// One declared array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// One shape a bucket, or a single one that all buckets share.
    pub(crate) shapes: Vec<Vec<usize>>,
    /// Whether it is filled once and for all.
    pub(crate) fixed: bool,
}

/// What an array holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Index,
}

impl Declared {
    /// The shape in a bucket.
    pub(crate) fn shape(&self, bucket: usize) -> &[usize] {
        &self.shapes[bucket.min(self.shapes.len() - 1)]
    }

    /// The element type in a graph whose floats are of type `float`.
    pub(crate) fn dtype(&self, float: DType) -> DType {
        match self.kind {
            Kind::Float => float,
            Kind::Index => DType::U32,
        }
    }
}

/// The arrays of a batch, in the order of their declaration.
///
/// A batch has one of a small number of shapes, its bucket: sentences of up to 10, 20 and 40 words for
/// example. Each bucket has a program of its own over the same parameters.
///
/// ```
/// use learn::Fields;
///
/// let mut fields = Fields::with_buckets(3);
/// let words = fields.index_by("words", |bucket| vec![8, [10, 20, 40][bucket]]);
/// let weight = fields.float("weight", &[8]);
/// let features = fields.fixed_float("features", &[1000, 64]);
/// # let _ = (words, weight, features);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    buckets: usize,
    declared: Vec<Declared>,
}

impl Default for Fields {
    fn default() -> Self {
        Self::new()
    }
}

impl Fields {
    /// No arrays yet, and one shape of batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: 1, declared: Vec::new() }
    }

    /// What an objective without batches has.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Fields = Fields::new();
        &NONE
    }

    /// No arrays yet, and `buckets` shapes of batch.
    ///
    /// # Panics
    /// If there is no bucket.
    #[must_use]
    pub fn with_buckets(buckets: usize) -> Self {
        assert!(buckets > 0, "a batch has a shape: wanted one bucket or more, found none");
        Self { buckets, ..Self::new() }
    }

    /// Floats, of one shape in all buckets. They are `f32` here and have the graph's type there.
    pub fn float(&mut self, name: &'static str, shape: &[usize]) -> Field<f32> {
        self.declare_as(name, Kind::Float, vec![shape.into()], false)
    }

    /// Indices, of one shape in all buckets.
    pub fn index(&mut self, name: &'static str, shape: &[usize]) -> Field<u32> {
        self.declare_as(name, Kind::Index, vec![shape.into()], false)
    }

    /// Floats, of a shape for every bucket.
    pub fn float_by(
        &mut self,
        name: &'static str,
        shape: impl FnMut(usize) -> Vec<usize>,
    ) -> Field<f32> {
        let shapes = (0..self.buckets).map(shape).collect();
        self.declare_as(name, Kind::Float, shapes, false)
    }

    /// Indices, of a shape for every bucket.
    pub fn index_by(
        &mut self,
        name: &'static str,
        shape: impl FnMut(usize) -> Vec<usize>,
    ) -> Field<u32> {
        let shapes = (0..self.buckets).map(shape).collect();
        self.declare_as(name, Kind::Index, shapes, false)
    }

    /// Floats that are the same in every batch, such as features of a frozen network:
    /// [`Objective::prepare`](crate::Objective::prepare) fills them once, and no step copies them.
    pub fn fixed_float(&mut self, name: &'static str, shape: &[usize]) -> Field<f32> {
        self.declare_as(name, Kind::Float, vec![shape.into()], true)
    }

    /// Indices that are the same in every batch, as with [`fixed_float`](Self::fixed_float).
    pub fn fixed_index(&mut self, name: &'static str, shape: &[usize]) -> Field<u32> {
        self.declare_as(name, Kind::Index, vec![shape.into()], true)
    }

    fn declare_as<T>(
        &mut self,
        name: &'static str,
        kind: Kind,
        shapes: Vec<Vec<usize>>,
        fixed: bool,
    ) -> Field<T> {
        let place = self.declared.len();
        self.declared.push(Declared { name, kind, shapes, fixed });
        Field { place, name, of: PhantomData }
    }

    /// The same arrays so many times over: a batch of several batches.
    #[must_use]
    pub fn repeated(&self, times: usize) -> Self {
        let declared = (0..times).flat_map(|_| self.declared.iter().cloned()).collect();
        Self { buckets: self.buckets, declared }
    }

    /// Number of shapes that a batch can have.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// Declares the arrays of a bucket as inputs of a graph.
    pub(crate) fn declare<'g>(&self, graph: &'g Graph, bucket: usize) -> BatchVars<'g> {
        let declare = |declared: &Declared| match declared.kind {
            Kind::Float => graph.input(declared.name, declared.shape(bucket)),
            Kind::Index => graph.index_input(declared.name, declared.shape(bucket)),
        };
        let vars = self.declared.iter().map(|of| (of.name, declare(of))).collect();
        BatchVars { bucket, vars }
    }
}

/// The variables of a batch's arrays in a trace: `batch[field]`.
#[derive(Clone)]
pub struct BatchVars<'g> {
    bucket: usize,
    vars: Vec<(&'static str, Var<'g>)>,
}

impl<'g> BatchVars<'g> {
    /// Which shape of batch is traced.
    #[must_use]
    pub fn bucket(&self) -> usize {
        self.bucket
    }

    /// The batches that a batch of [`repeated`](Fields::repeated) arrays is made of.
    ///
    /// # Panics
    /// If the number of arrays is no multiple of `parts`.
    pub fn parts(&self, parts: usize) -> impl Iterator<Item = BatchVars<'g>> + '_ {
        let each = self.vars.len() / parts;
        assert_eq!(each * parts, self.vars.len(), "a batch of {parts} batches");
        (0..parts).map(move |part| BatchVars {
            bucket: self.bucket,
            vars: self.vars[part * each..(part + 1) * each].to_vec(),
        })
    }
}

/// # Panics
/// If the field was declared elsewhere.
impl<'g, T> Index<Field<T>> for BatchVars<'g> {
    type Output = Var<'g>;

    fn index(&self, field: Field<T>) -> &Var<'g> {
        match self.vars.get(field.place) {
            Some((name, var)) if *name == field.name => var,
            _ => foreign(field.name),
        }
    }
}

/// A field was used with a batch that does not have it.
pub(crate) fn foreign(name: &str) -> ! {
    panic!("field {name:?} was declared for another batch")
}
