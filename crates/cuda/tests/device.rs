//! The device over a host that stands in for a graphics processor, against the one that is obviously
//! right.

// The cases by which the engine is compared with another program: every operation and method.
#[expect(dead_code, reason = "names and parameters are for the other program")]
#[path = "../../autodiff/examples/agreement/case.rs"]
mod case;
#[path = "../../autodiff/examples/agreement/convolutions.rs"]
mod convolutions;
#[path = "../../autodiff/examples/agreement/draw.rs"]
mod draw;
#[path = "../../autodiff/examples/agreement/elementwise.rs"]
mod elementwise;
#[path = "../../autodiff/examples/agreement/images.rs"]
mod images;
#[path = "../../autodiff/examples/agreement/matrices.rs"]
mod matrices;
#[path = "../../autodiff/examples/agreement/reductions.rs"]
mod reductions;
#[path = "../../autodiff/examples/agreement/sequences.rs"]
mod sequences;
#[path = "../../autodiff/examples/agreement/shapes.rs"]
mod shapes;
#[path = "../../autodiff/examples/agreement/tables.rs"]
mod tables;

#[path = "device/agreement.rs"]
mod agreement;
#[path = "device/calls.rs"]
mod calls;
#[path = "device/coverage.rs"]
mod coverage;
#[path = "device/derivatives.rs"]
mod derivatives;
#[path = "../../autodiff/tests/engine/support.rs"]
mod engine;
#[path = "device/models.rs"]
mod models;
#[path = "device/network.rs"]
mod network;
#[path = "device/pool.rs"]
mod pool;
#[path = "device/random.rs"]
mod random;
#[path = "device/special.rs"]
mod special;
mod support;
