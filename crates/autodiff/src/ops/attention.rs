//! Attention over places, open or closed by a mask.

use crate::{Error, Var};

/// What stands for no weight at all: its exponential is 0.
const CLOSED: f64 = -1e30;

impl<'g> Var<'g> {
    /// Softmax of the last axis over the places where `mask` is 1; others, of mask 0, get no weight.
    ///
    /// The mask broadcasts against this and has no derivative. A row without open places gets no
    /// weight at all.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the mask does not broadcast, [`Error::Shape`] for a scalar.
    pub fn masked_softmax(self, mask: Var<'g>) -> Result<Var<'g>, Error> {
        let mask = mask.stop_gradient();
        let closed = mask.add_scalar(-1.0).mul_scalar(-CLOSED);
        let open = self.mul(mask)?.add(closed)?;
        let axis = open.rank().saturating_sub(1);
        open.softmax(axis)?.mul(mask)
    }

    /// Attention by inner products (Luong et al. 2015, section 3.1, `dot`): of queries `[batch, n,
    /// d]` to keys `[batch, places, d]` and values `[batch, places, m]`, the contexts `[batch, n, m]`
    /// and the weights `[batch, n, places]`.
    ///
    /// `mask` `[batch, places]` is 1 for places that can be attended to and 0 for others. The form
    /// `general` is this with `queries` times a matrix.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes are others.
    pub fn dot_attention(
        self,
        keys: Var<'g>,
        values: Var<'g>,
        mask: Option<Var<'g>>,
    ) -> Result<(Var<'g>, Var<'g>), Error> {
        three_axes("dot_attention", self, keys, values)?;
        read(self.matmul(keys.transpose(1, 2)?)?, values, mask)
    }

    /// Additive attention (Bahdanau et al. 2015, section A.1.2): of queries `[batch, n, d]` to keys
    /// `[batch, places, d]` by `score . tanh(query + key)` with a `score` `[d]`; otherwise as
    /// [`Var::dot_attention`].
    ///
    /// Within a recurrent layer, [`crate::Recurrence::with_attention`] does it step by step.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes are others.
    pub fn additive_attention(
        self,
        score: Var<'g>,
        keys: Var<'g>,
        values: Var<'g>,
        mask: Option<Var<'g>>,
    ) -> Result<(Var<'g>, Var<'g>), Error> {
        let [batch, count, width, places] = three_axes("additive_attention", self, keys, values)?;
        let query = self.reshape(&[batch, count, 1, width])?;
        let matched = query.add(keys.reshape(&[batch, 1, places, width])?)?.tanh();
        let energies = matched.matmul(score.reshape(&[width, 1])?)?;
        read(energies.reshape(&[batch, count, places])?, values, mask)
    }
}

/// Batch, queries, width of keys and places.
fn three_axes<'g>(
    op: &'static str,
    queries: Var<'g>,
    keys: Var<'g>,
    values: Var<'g>,
) -> Result<[usize; 4], Error> {
    let (left, right) = (queries.shape(), keys.shape());
    let (&[batch, count, width], &[batch2, places, width2]) = (&left[..], &right[..]) else {
        return Err(Error::Shapes { op, left, right, wanted: KEYS });
    };
    if batch != batch2 || width != width2 {
        return Err(Error::Shapes { op, left, right, wanted: KEYS });
    }
    let left = values.shape();
    if left.len() != 3 || left[..2] != right[..2] {
        return Err(Error::Shapes { op, left, right, wanted: "a value for each key" });
    }
    Ok([batch, count, width, places])
}

const KEYS: &str = "queries [batch, n, d] and keys [batch, places, d]";

/// Contexts and weights from energies `[batch, n, places]`.
fn read<'g>(
    energies: Var<'g>,
    values: Var<'g>,
    mask: Option<Var<'g>>,
) -> Result<(Var<'g>, Var<'g>), Error> {
    let weights = match mask {
        None => energies.softmax(2)?,
        Some(mask) => {
            let (left, right) = (values.shape(), mask.shape());
            if right != left[..2] {
                let (op, wanted) = ("attention", "a mask [batch, places]");
                return Err(Error::Shapes { op, left, right, wanted });
            }
            energies.masked_softmax(mask.reshape(&[left[0], 1, left[1]])?)?
        }
    };
    Ok((weights.matmul(values)?, weights))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};
    use crate::{DType, Error, Graph};

    #[test]
    fn closed_places_get_no_weight() {
        let (energies, mask) = ([1.0, 1e3, 1.0, 5.0, 6.0, 7.0], [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        let given: [(&[usize], &[f64]); 2] = [(&[2, 3], &energies), (&[2, 3], &mask)];
        let y = eval(&given, |_, x| x[0].masked_softmax(x[1]));
        assert_eq!(y, [0.5, 0.0, 0.5, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn by_hand() {
        // Energies 0 and ln 3, thus weights 1/4 and 3/4.
        let (query, keys) = ([1.0, 0.0], [0.0, 5.0, 3f64.ln(), 9.0]);
        let given: [(&[usize], &[f64]); 3] =
            [(&[1, 1, 2], &query), (&[1, 2, 2], &keys), (&[1, 2, 1], &[4.0, 8.0])];
        close(&eval(&given, |_, x| Ok(x[0].dot_attention(x[1], x[2], None)?.0)), &[7.0]);
        let weights = eval(&given, |_, x| Ok(x[0].dot_attention(x[1], x[2], None)?.1));
        close(&weights, &[0.25, 0.75]);
        let context = eval(&given, |g, x| {
            let mask = g.constant(&[1.0, 0.0], &[1, 2])?;
            Ok(x[0].dot_attention(x[1], x[2], Some(mask))?.0)
        });
        close(&context, &[4.0]);
        let zeros = [0.0, 0.0];
        let given: [(&[usize], &[f64]); 4] =
            [(&[1, 1, 2], &zeros), (&[2], &[9.0, 9.0]), (&[1, 1, 2], &zeros), (&[1, 1, 1], &[3.0])];
        let context = eval(&given, |_, x| Ok(x[0].additive_attention(x[1], x[2], x[3], None)?.0));
        close(&context, &[3.0]);
    }

    #[test]
    fn unlike_shapes_are_named() {
        let graph = Graph::new(DType::F64);
        let (query, keys) = (graph.input("q", &[2, 1, 3]), graph.input("k", &[2, 5, 4]));
        let error = query.dot_attention(keys, keys, None).unwrap_err();
        assert!(matches!(error, Error::Shapes { op: "dot_attention", .. }), "{error}");
        let mask = graph.input("m", &[2, 4]);
        assert!(keys.dot_attention(keys, keys, Some(mask)).is_err());
    }

    #[test]
    fn gradient() {
        let mask =
            |g: &'_ Graph| g.constant(&[1.0, 1.0, 0.0, 0.0, 1.0, 1.0], &[2, 3]).unwrap().id();
        check(&[&[2, 2, 4], &[2, 3, 4], &[2, 3, 2]], |g, x| {
            let mask = crate::Var::new(g, mask(g));
            Ok(x[0].dot_attention(x[1], x[2], Some(mask))?.0)
        });
        check(&[&[2, 2, 4], &[4], &[2, 3, 4], &[2, 3, 2]], |_, x| {
            Ok(x[0].additive_attention(x[1], x[2], x[3], None)?.0)
        });
    }
}
