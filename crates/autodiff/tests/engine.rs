//! The engine as its users see it: derivatives, plans, replays.

mod engine {
    mod allocations;
    mod assignments;
    mod blas_calls;
    mod custom_op;
    mod derivatives;
    mod plans;
    mod row_sparse;
    mod support;
    mod threads;
}
