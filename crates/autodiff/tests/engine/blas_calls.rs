//! Counts a thread's calls by standing before the BLAS library, to which every call is passed on.
#![expect(unsafe_code, reason = "the counted functions are C functions")]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};

use autodiff::{DType, Graph};

use super::support::{buffers, draws, run};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

macro_rules! counted {
    ($name:ident, $real:literal, $type:ty) => {
        /// # Safety
        /// As the library's function of this name.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            order: c_int,
            ta: c_int,
            tb: c_int,
            m: c_int,
            n: c_int,
            k: c_int,
            alpha: $type,
            a: *const $type,
            lda: c_int,
            b: *const $type,
            ldb: c_int,
            beta: $type,
            c: *mut $type,
            ldc: c_int,
        ) {
            type Gemm = unsafe extern "C" fn(
                c_int,
                c_int,
                c_int,
                c_int,
                c_int,
                c_int,
                $type,
                *const $type,
                c_int,
                *const $type,
                c_int,
                $type,
                *mut $type,
                c_int,
            );
            COUNT.with(|count| count.set(count.get() + 1));
            let next = -1isize as *mut c_void;
            // SAFETY: -1 is RTLD_NEXT; the next definition is the library's, of this type.
            unsafe {
                let found = dlsym(next, $real.as_ptr());
                assert!(!found.is_null());
                let real = std::mem::transmute::<*mut c_void, Gemm>(found);
                real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
            }
        }
    };
}

counted!(cblas_sgemm, c"cblas_sgemm", f32);
counted!(cblas_dgemm, c"cblas_dgemm", f64);

/// Extents from which a product is BLAS's, and the tiles that one is cut into.
const M: usize = 1536;
const K: usize = 1540;
const N: usize = 1552;
const TILES: usize = 16;

fn calls_of(dtype: DType, transpose: [bool; 2]) -> usize {
    let (m, k, n) = (M, K, N);
    let graph = Graph::new(dtype);
    let operand = |name, shape: [usize; 2], turned: bool| {
        let [rows, columns] = shape;
        if turned {
            graph.input(name, &[columns, rows]).transpose(0, 1).unwrap()
        } else {
            graph.input(name, &[rows, columns])
        }
    };
    let a = operand("a", [m, k], transpose[0]);
    let b = operand("b", [k, n], transpose[1]);
    autodiff::set_threads(1);
    let mut program = graph.compile(&[a.matmul(b).unwrap()]).unwrap();
    // One step and no memory but the result: nothing was copied.
    assert_eq!((program.steps(), program.peak_bytes()), (1, m * n * dtype.size()));
    let mut inputs = buffers(&program, 1, 1);
    let before = COUNT.with(Cell::get);
    run(&mut program, &mut inputs);
    let calls = COUNT.with(Cell::get) - before;

    let at = |seed, rows: usize, columns: usize, turned: bool| {
        let values = draws(seed, rows * columns);
        move |i: usize, j: usize| values[if turned { j * rows + i } else { i * columns + j }]
    };
    let (a, b) = (at(1, m, k, transpose[0]), at(2, k, n, transpose[1]));
    let found: Vec<f64> = match dtype {
        DType::F64 => program.output(0).to_vec().unwrap(),
        _ => program.output(0).to_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
    };
    for (i, found) in found.iter().enumerate().step_by(997) {
        let wanted: f64 = (0..k).map(|p| a(i / n, p) * b(p, i % n)).sum();
        assert!((found - wanted).abs() < 1e-3);
    }
    calls
}

#[test]
fn a_large_product_is_blas_in_every_orientation() {
    for dtype in [DType::F32, DType::F64] {
        for transpose in [[false, false], [true, false], [false, true], [true, true]] {
            assert_eq!(calls_of(dtype, transpose), TILES, "{dtype:?} {transpose:?}");
        }
    }
}

#[test]
fn the_gradients_of_a_product_are_two_steps_without_copies() {
    let graph = Graph::new(DType::F32);
    let (a, b) = (graph.input("a", &[M, K]), graph.input("b", &[K, N]));
    let weights = graph.input("g", &[M, N]);
    let loss = a.matmul(b).unwrap().mul(weights).unwrap().sum_all();
    let gradients = graph.grad(loss, &[a, b]).unwrap();
    autodiff::set_threads(1);
    let mut program = graph.compile(&gradients).unwrap();
    assert_eq!(program.steps(), 2);
    let mut inputs = buffers(&program, 1, 1);
    let before = COUNT.with(Cell::get);
    run(&mut program, &mut inputs);
    assert_eq!(COUNT.with(Cell::get) - before, 2 * TILES);
}

#[test]
fn a_batch_times_one_matrix_is_one_product() {
    let graph = Graph::new(DType::F64);
    let (a, b) = (graph.input("a", &[8, M / 8, K]), graph.input("b", &[K, N]));
    autodiff::set_threads(1);
    let mut program = graph.compile(&[a.matmul(b).unwrap()]).unwrap();
    let mut inputs = buffers(&program, 1, 1);
    let before = COUNT.with(Cell::get);
    run(&mut program, &mut inputs);
    assert_eq!(COUNT.with(Cell::get) - before, TILES);
}
