//! Attention: additive, and scaled inner products with one head or many.

use autodiff::{Attention, Error, Var};

use super::{Layer, Params, named};
use crate::init::count;
use crate::{Init, Layout};

/// Additive attention (Bahdanau et al. 2015, section A.1.2): energies `score . tanh(q query + v key)`
/// of queries q and values v, with `query` `[queries, units]`, `key` `[values, units]`, `score`
/// `[units]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditiveAttention {
    name: String,
    queries: usize,
    values: usize,
    units: usize,
}

impl AdditiveAttention {
    /// A layer for queries and values of these widths.
    pub fn new(name: &str, queries: usize, values: usize, units: usize) -> Self {
        Self { name: name.into(), queries, values, units }
    }

    /// The contexts `[batch, n, values]` of queries `[batch, n, queries]` to values `[batch, places,
    /// values]`, and the weights `[batch, n, places]`; `mask` `[batch, places]` is 1 for places that
    /// can be attended to.
    ///
    /// # Errors
    /// [`Error::Custom`] for a parameter that is not there, and a shape error of the trace.
    pub fn forward<'g>(
        &self,
        params: &Params<'_, 'g>,
        queries: Var<'g>,
        values: Var<'g>,
        mask: Option<Var<'g>>,
    ) -> Result<(Var<'g>, Var<'g>), Error> {
        let of = |tensor: &str| params.of(&self.name, tensor);
        let keys = values.linear(of("key")?, None)?;
        let queries = queries.linear(of("query")?, None)?;
        queries.additive_attention(of("score")?, keys, values, mask)
    }

    /// The same within each step of a recurrent layer, whose states are the queries and whose
    /// [`contexts`](super::Recurrent::contexts) is the weight of what is read.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn within<'g>(
        &self,
        params: &Params<'_, 'g>,
        contexts: Var<'g>,
        values: Var<'g>,
        mask: Option<Var<'g>>,
    ) -> Result<Attention<'g>, Error> {
        let of = |tensor: &str| params.of(&self.name, tensor);
        let keys = values.linear(of("key")?, None)?;
        let (query, score) = (of("query")?, of("score")?);
        Ok(Attention { keys, values, query, score, weight: contexts, mask })
    }
}

impl Layer for AdditiveAttention {
    fn declare(&self, layout: &mut Layout) {
        let mut push = |tensor: &str, shape: &[usize], init| {
            layout.push(&named(&self.name, tensor), shape, init);
        };
        push("query", &[self.queries, self.units], Init::glorot(self.queries, self.units));
        push("key", &[self.values, self.units], Init::glorot(self.values, self.units));
        push("score", &[self.units], Init::glorot(self.units, 1));
    }
}

/// Scaled dot-product attention (Vaswani et al. 2017, equation 1): contexts
/// `softmax(queries keys^T / sqrt(d)) values` of `[.., n, d]`, `[.., places, d]` and `[.., places,
/// m]`, and the weights `[.., n, places]`. `mask` broadcasts against the weights and is 1 for places
/// that can be attended to.
///
/// # Errors
/// [`Error::Shapes`] if the shapes do not go together.
pub fn scaled_dot_attention<'g>(
    queries: Var<'g>,
    keys: Var<'g>,
    values: Var<'g>,
    mask: Option<Var<'g>>,
) -> Result<(Var<'g>, Var<'g>), Error> {
    let (rank, of_keys) = (queries.rank(), keys.rank());
    if rank < 2 || of_keys < 2 {
        let (left, right) = (queries.shape(), keys.shape());
        let (op, wanted) = ("scaled_dot_attention", "[.., n, d] and [.., places, d]");
        return Err(Error::Shapes { op, left, right, wanted });
    }
    let scale = 1.0 / count(queries.shape()[rank - 1]).sqrt();
    let keys = keys.transpose(of_keys - 2, of_keys - 1)?;
    let energies = queries.matmul(keys)?.mul_scalar(scale);
    let weights = match mask {
        Some(mask) => energies.masked_softmax(mask)?,
        None => energies.softmax(rank - 1)?,
    };
    Ok((weights.matmul(values)?, weights))
}

/// Multi-head attention (Vaswani et al. 2017, section 3.2.2) of one width: weights `query`, `key`,
/// `value` and `output`, `[width, width]` each, without biases; head i has columns `i width / heads`
/// on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiHeadAttention {
    name: String,
    width: usize,
    heads: usize,
}

impl MultiHeadAttention {
    /// A layer of so many heads.
    ///
    /// # Panics
    /// If the heads do not divide the width.
    pub fn new(name: &str, width: usize, heads: usize) -> Self {
        let divides = heads > 0 && width.is_multiple_of(heads);
        assert!(divides, "{name}: {heads} heads do not divide a width of {width}");
        Self { name: name.into(), width, heads }
    }

    /// What queries `[batch, n, width]` read of `[batch, places, width]`: `[batch, n, width]`, and the
    /// weights `[batch, heads, n, places]`. `mask` broadcasts against `[batch, n, places]` and is 1 for
    /// places that can be attended to.
    ///
    /// # Errors
    /// [`Error::Custom`] for a parameter that is not there, and a shape error of the trace.
    pub fn forward<'g>(
        &self,
        params: &Params<'_, 'g>,
        queries: Var<'g>,
        memory: Var<'g>,
        mask: Option<Var<'g>>,
    ) -> Result<(Var<'g>, Var<'g>), Error> {
        let heads = |x: Var<'g>, tensor: &str| {
            let x = x.linear(params.of(&self.name, tensor)?, None)?;
            let &[batch, n, width] = &x.shape()[..] else {
                let wanted = "[batch, n, width]".into();
                return Err(Error::Shape { op: "attention", shape: x.shape(), wanted });
            };
            x.reshape(&[batch, n, self.heads, width / self.heads])?.transpose(1, 2)
        };
        let mask = match mask {
            Some(mask) => {
                let mut shape = vec![1; 3_usize.saturating_sub(mask.rank())];
                shape.extend(mask.shape());
                shape.insert(1, 1);
                Some(mask.reshape(&shape)?)
            }
            None => None,
        };
        let (keys, values) = (heads(memory, "key")?, heads(memory, "value")?);
        let (read, weights) = scaled_dot_attention(heads(queries, "query")?, keys, values, mask)?;
        let read = read.transpose(1, 2)?.reshape(&queries.shape())?;
        Ok((read.linear(params.of(&self.name, "output")?, None)?, weights))
    }
}

impl Layer for MultiHeadAttention {
    fn declare(&self, layout: &mut Layout) {
        let (shape, init) = ([self.width; 2], Init::glorot(self.width, self.width));
        for tensor in ["query", "key", "value", "output"] {
            layout.push(&named(&self.name, tensor), &shape, init);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Lstm;
    use crate::layers::testing::{check, close, eval, numbers};

    /// A flat matrix times another: rows of `inner` by `columns`.
    fn product(x: &[f64], w: &[f64], inner: usize, columns: usize) -> Vec<f64> {
        let row = |x: &[f64], c: usize| (0..inner).map(|i| x[i] * w[i * columns + c]).sum();
        x.chunks(inner).flat_map(|x| (0..columns).map(move |c| row(x, c))).collect()
    }

    fn softmax(energies: &[f64]) -> Vec<f64> {
        let total: f64 = energies.iter().map(|e| e.exp()).sum();
        energies.iter().map(|e| e.exp() / total).collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn additive_energies_by_the_equation() {
        let layer = AdditiveAttention::new("read", 2, 3, 4);
        let layout = layer.layout();
        let w = numbers(1, layout.len());
        let (queries, values) = (numbers(2, 4), numbers(3, 9));
        let given: [(&[usize], &[f64]); 2] = [(&[1, 2, 2], &queries), (&[1, 3, 3], &values)];
        let y = eval(&layout, &w, &given, |p, x| Ok(layer.forward(p, x[0], x[1], None)?.0));
        let q = product(&queries, &w[..8], 2, 4);
        let keys = product(&values, &w[8..20], 3, 4);
        let mut wanted = Vec::new();
        for q in q.chunks(4) {
            let energy = |key: &[f64]| {
                q.iter().zip(key).zip(&w[20..]).map(|((q, k), s)| s * (q + k).tanh()).sum()
            };
            let energies: Vec<f64> = keys.chunks(4).map(energy).collect();
            wanted.extend(product(&softmax(&energies), &values, 3, 3));
        }
        close(&y, &wanted);
        check(&layout, &[&[2, 2, 2], &[2, 3, 3]], |p, x| Ok(layer.forward(p, x[0], x[1], None)?.0));
    }

    /// Attention within the first step of a decoder is that of its first state.
    #[test]
    fn within_a_step_it_reads_by_the_state_before() {
        let attention = AdditiveAttention::new("read", 2, 3, 4);
        let decoder = Lstm::new("decoder", 1, 2).with_contexts(3);
        let layout = Layout::new().with_layer(&attention).with_layer(&decoder);
        let w = numbers(1, layout.len());
        let (x, values) = (numbers(2, 2), numbers(3, 9));
        let given: [(&[usize], &[f64]); 2] = [(&[2, 1, 1], &x), (&[1, 3, 3], &values)];
        let apart = eval(&layout, &w, &given, |p, x| {
            let zeros = x[0].graph().full(0.0, &[1, 1, 2]);
            attention.forward(p, zeros, x[1], None)?.0.reshape(&[3])
        });
        let within = eval(&layout, &w, &given, |p, x| {
            let read = attention.within(p, decoder.contexts(p)?, x[1], None)?;
            let run = decoder.over(p, x[0], None)?.with_attention(read).run()?;
            run.contexts.expect("it attends").slice(0, 0..1)?.reshape(&[3])
        });
        close(&within, &apart);
    }

    #[test]
    fn heads_by_the_equation() {
        let layer = MultiHeadAttention::new("heads", 4, 2);
        let layout = layer.layout();
        let w = numbers(1, layout.len());
        let (queries, memory) = (numbers(2, 8), numbers(3, 12));
        // The last place is closed to the first query.
        let mask = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
        let given: [(&[usize], &[f64]); 3] =
            [(&[1, 2, 4], &queries), (&[1, 3, 4], &memory), (&[2, 3], &mask)];
        let y = eval(&layout, &w, &given, |p, x| Ok(layer.forward(p, x[0], x[1], Some(x[2]))?.0));
        let (q, k) = (product(&queries, &w, 4, 4), product(&memory, &w[16..], 4, 4));
        let v = product(&memory, &w[32..], 4, 4);
        let mut read = vec![0.0; 8];
        for (n, places) in [(0, 2), (1, 3)] {
            for head in [0, 2] {
                let energies: Vec<f64> = (0..places)
                    .map(|p| {
                        let key = &k[4 * p + head..][..2];
                        dot(&q[4 * n + head..][..2], key) / 2f64.sqrt()
                    })
                    .collect();
                for (p, weight) in softmax(&energies).iter().enumerate() {
                    for i in head..head + 2 {
                        read[4 * n + i] += weight * v[4 * p + i];
                    }
                }
            }
        }
        close(&y, &product(&read, &w[48..], 4, 4));
        check(&layout, &[&[2, 2, 4], &[2, 3, 4]], |p, x| Ok(layer.forward(p, x[0], x[1], None)?.0));
    }

    #[test]
    #[should_panic(expected = "heads: 3 heads do not divide a width of 4")]
    fn heads_divide_the_width() {
        let _ = MultiHeadAttention::new("heads", 4, 3);
    }
}
