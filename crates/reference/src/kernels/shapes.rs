//! Operations that move elements, or leave some out.

use autodiff::{Error, ops};

use super::super::value::{Numbers, Value};

pub(super) fn concat(op: &ops::Concat, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let outer: usize = shape[..op.axis].iter().product();
    let mut places = Vec::new();
    for row in 0..outer {
        for (part, value) in x.iter().enumerate() {
            let width: usize = value.shape[op.axis..].iter().product();
            places.extend((row * width..(row + 1) * width).map(|at| (part, at)));
        }
    }
    Ok(match x[0].numbers {
        Numbers::Floats(_) => {
            Numbers::Floats(places.iter().map(|&(part, at)| x[part].floats()[at]).collect())
        }
        Numbers::Indices(_) => {
            Numbers::Indices(places.iter().map(|&(part, at)| x[part].indices()[at]).collect())
        }
    })
}

pub(super) fn pad(op: &ops::Pad, x: &[Value], shape: &[usize]) -> Result<Numbers, Error> {
    let inner: usize = shape[op.axis + 1..].iter().product();
    let extent = x[0].shape[op.axis];
    let mut y = vec![0.0; shape.iter().product()];
    for (at, &value) in x[0].floats().iter().enumerate() {
        let (outer, along, inside) = (at / inner / extent, at / inner % extent, at % inner);
        y[(outer * op.extent + op.start + along) * inner + inside] = value;
    }
    Ok(Numbers::Floats(y))
}

pub(super) fn recalled(_: &ops::Recalled, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    Ok(x[0].numbers.clone())
}

/// An element goes where its number, mixed from key and place as by splitmix64, is below the rate.
pub(super) fn dropout(op: &ops::Dropout, x: &[Value], _: &[usize]) -> Result<Numbers, Error> {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let key: Vec<u64> = x[1].indices().iter().map(|&word| word.into()).collect();
    let stream = mixed((key[1] << 32 | key[0]).wrapping_add(STEP));
    let start = mixed(stream ^ (key[3] << 32 | key[2]).wrapping_mul(STEP));
    let limit = (op.rate * 2f64.powi(32)).round() as u64;
    let value = |(at, &x): (usize, &f64)| {
        let drawn = mixed(start.wrapping_add((at as u64 + 1).wrapping_mul(STEP))) >> 32;
        if drawn < limit { 0.0 } else { x / (1.0 - op.rate) }
    };
    Ok(Numbers::Floats(x[0].floats().iter().enumerate().map(value).collect()))
}
