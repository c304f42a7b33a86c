//! Which method computes a product.

use super::Order;
use crate::DType;
use crate::simd::Isa;

/// How a product is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Loops over the operands as they lie.
    Direct,
    /// Blocks of the result in registers, the right operand packed panel by panel.
    Packed,
    /// A call of the BLAS library.
    Blas,
}

/// Multiplications of one product below which loops beat the preparations of the other methods.
const TINY: usize = 2048;
/// Most rows of a left operand that are multiplied with a large matrix as it lies.
pub(super) const FEW: usize = 16;
/// Bytes from which a matrix is large: it comes from memory, and is read once.
const LARGE: usize = 1 << 22;
/// Extent of all three axes from which BLAS, which packs both operands, is the fastest.
const HUGE: usize = 1536;

/// The method for `[m, k] x [k, n]`, whose operands lie as `orders` says.
///
/// It depends on nothing else, so that equal shapes give equal bits on equal processors.
#[must_use]
pub fn choose(m: usize, k: usize, n: usize, orders: [Order; 2], dtype: DType, isa: Isa) -> Method {
    let few = k * n * dtype.size() >= LARGE && is_few(m, orders);
    if is_small(m, k, n) || few {
        Method::Direct
    } else if isa == Isa::Plain || m.min(k).min(n) >= HUGE {
        Method::Blas
    } else {
        Method::Packed
    }
}

/// Whether loops are all that a product is worth.
pub(super) fn is_small(m: usize, k: usize, n: usize) -> bool {
    m * k * n < TINY || m == 1 || n == 1
}

/// Whether the left operand has few rows, and the right one can be read in the order in which it lies.
pub(super) fn is_few(m: usize, [left, right]: [Order; 2]) -> bool {
    m <= FEW && (right == Order::Rows || (left == Order::Rows && right == Order::Columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [Order; 2] = [Order::Rows, Order::Rows];
    /// Of a gradient of weights, and of a gradient of what they are applied to.
    const TRANSPOSED: [[Order; 2]; 2] =
        [[Order::Columns, Order::Rows], [Order::Rows, Order::Columns]];

    /// Products of the papers: m, k, n, and the methods with a right operand of rows, with a transposed
    /// left operand, and with a transposed right one.
    const PAPERS: &[(&str, [usize; 3], [Method; 3])] = {
        use Method::{Blas, Direct, Packed};
        &[
            // Hyperparameters by reversed learning: layers of 50 units, images of 784, batches of 200.
            ("hidden layer", [200, 784, 50], [Packed; 3]),
            ("second layer", [200, 50, 50], [Packed; 3]),
            ("output layer", [200, 50, 10], [Packed; 3]),
            ("weights of the first", [784, 200, 50], [Packed; 3]),
            ("alphabet layer", [600, 784, 400], [Packed; 3]),
            // Memory networks: 20 to 150 units, 50 memories, batches of 32.
            ("scores of one story", [50, 20, 1], [Direct; 3]),
            ("what one story reads", [1, 50, 20], [Direct; 3]),
            ("answers", [32, 50, 177], [Packed; 3]),
            ("small answers", [32, 10, 6], [Direct; 3]),
            // Translation: 1000 units and more, 80 sentences, 30000 words.
            ("gates of a step", [80, 1000, 4000], [Packed; 3]),
            ("attention keys", [2400, 2000, 1000], [Packed; 3]),
            ("words", [80, 500, 30_000], [Packed; 3]),
            ("weights of the words", [500, 2400, 30_000], [Packed; 3]),
            ("one sentence at a time", [1, 1000, 4000], [Direct; 3]),
            ("a beam of ten", [10, 1000, 4000], [Direct, Direct, Direct]),
            // Dynamic images: full layers behind five convolutions, and rank pooling of frames.
            ("full layer", [128, 9216, 4096], [Packed; 3]),
            ("full layer of few", [8, 9216, 4096], [Direct; 3]),
            ("its weights", [9216, 8, 4096], [Packed; 3]),
            ("frames by frames", [100, 4096, 100], [Packed; 3]),
            // Style transfer: channels by channels over the positions of a layer.
            ("first layer's", [64, 65_536, 64], [Packed; 3]),
            ("fourth layer's", [512, 4096, 512], [Packed; 3]),
            ("larger than any", [2048, 2048, 2048], [Blas; 3]),
            ("nothing", [4, 0, 3], [Direct; 3]),
        ]
    };

    #[test]
    fn products_of_the_papers() {
        for &(name, [m, k, n], methods) in PAPERS {
            let orders = [ROWS, TRANSPOSED[0], TRANSPOSED[1]];
            let found = orders.map(|orders| choose(m, k, n, orders, DType::F32, Isa::Avx512));
            assert_eq!(found, methods, "{name}: {m} by {k} by {n}");
        }
    }

    #[test]
    fn what_else_decides() {
        let of = |orders, dtype, isa| choose(8, 800, 1000, orders, dtype, isa);
        // A large matrix is one of many bytes.
        assert_eq!(of(ROWS, DType::F32, Isa::Avx2), Method::Packed);
        assert_eq!(of(ROWS, DType::F64, Isa::Avx2), Method::Direct);
        // Read across its order it would be read many times.
        assert_eq!(of([Order::Columns; 2], DType::F64, Isa::Avx2), Method::Packed);
        // Without vector instructions that this crate knows, BLAS knows better.
        assert_eq!(choose(200, 784, 50, ROWS, DType::F32, Isa::Plain), Method::Blas);
        assert_eq!(choose(20, 10, 5, ROWS, DType::F32, Isa::Plain), Method::Direct);
    }
}
