//! Elementary functions as polynomials of a fixed operation order.

pub(crate) mod exp;
pub(crate) mod log;
pub(crate) mod sigmoid;
pub(crate) mod tanh;
