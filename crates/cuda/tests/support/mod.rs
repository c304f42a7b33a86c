//! What the tests share: devices, and the comparison with the device that is obviously right.

mod compile;
pub(crate) mod host;
mod multiply;
pub(crate) mod recording;

use std::sync::OnceLock;

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};
use cuda::Limits;
use host::Host;

/// Room for the columns of few images, so that convolutions take several shares.
const LIMITS: Limits = Limits { memory: 1 << 30, scratch: 1 << 12 };

/// One of NVIDIA's devices, where there is one and its driver was built in.
#[cfg(feature = "cuda")]
fn nvidia() -> Option<Device> {
    use cuda::nvidia;

    nvidia::devices().is_ok_and(|count| count > 0).then(|| {
        let images = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
        nvidia::device(0, Some(images), LIMITS).unwrap()
    })
}

#[cfg(not(feature = "cuda"))]
fn nvidia() -> Option<Device> {
    None
}

/// The device over a host, and over one whose threads take turns backwards.
pub(crate) fn devices() -> [Device; 2] {
    static DEVICES: OnceLock<[Device; 2]> = OnceLock::new();
    *DEVICES.get_or_init(|| {
        let device = |name, host| cuda::device(name, Box::new(host), LIMITS);
        [device("forwards", Host::default()), device("backwards", Host::backwards())]
    })
}

/// The same elements on another device.
pub(crate) fn moved(buffer: &Buffer, device: Device) -> Buffer {
    let moved = match buffer.dtype() {
        DType::F32 => Buffer::from_slice(device, &buffer.to_vec::<f32>().unwrap()),
        DType::F64 => Buffer::from_slice(device, &buffer.to_vec::<f64>().unwrap()),
        DType::U32 => Buffer::from_slice(device, &buffer.to_vec::<u32>().unwrap()),
    };
    moved.unwrap()
}

/// Floats as a type has them.
pub(crate) fn floats(values: &[f64], dtype: DType) -> Buffer {
    match dtype {
        DType::F64 => Buffer::from_slice(Device::cpu(), values).unwrap(),
        _ => {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Buffer::from_slice(Device::cpu(), &values).unwrap()
        }
    }
}

pub(crate) fn wide(buffer: &Buffer) -> Vec<f64> {
    match buffer.dtype() {
        DType::F64 => buffer.to_vec::<f64>().unwrap(),
        DType::F32 => buffer.to_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
        DType::U32 => buffer.to_vec::<u32>().unwrap().into_iter().map(f64::from).collect(),
    }
}

pub(crate) fn run(program: &mut Program, buffers: &mut [Buffer]) -> Result<(), Error> {
    program.run(&mut buffers.iter_mut().collect::<Vec<_>>())
}

/// Outputs after one run of a program over buffers, then what the buffers hold.
fn on(device: Device, graph: &Graph, outputs: &[Var<'_>], given: &[Buffer]) -> Vec<Vec<f64>> {
    let mut program = device.scope(|| graph.compile(outputs)).unwrap();
    let mut buffers: Vec<Buffer> = given.iter().map(|buffer| moved(buffer, device)).collect();
    run(&mut program, &mut buffers).unwrap();
    let outputs = (0..outputs.len()).map(|index| wide(program.output(index)));
    outputs.chain(buffers.iter().map(wide)).collect()
}

/// Checks that both devices compute the same bits, and what the reference device computes; and that a
/// graphics processor computes that too, and the same bits each time.
pub(crate) fn agree(what: &str, graph: &Graph, outputs: &[Var<'_>], given: &[Buffer]) {
    let wanted = on(reference::device(), graph, outputs, given);
    let [found, backwards] = devices().map(|device| on(device, graph, outputs, given));
    for (index, found) in found.iter().enumerate() {
        let other = &backwards[index];
        assert!(same_bits(found, other), "{what}, {index}: {found:?}, backwards {other:?}");
        near(&format!("{what}, output {index}"), found, &wanted[index], graph.dtype());
    }
    let Some(device) = nvidia() else { return };
    let [found, again] = [(); 2].map(|()| on(device, graph, outputs, given));
    for (index, found) in found.iter().enumerate() {
        let other = &again[index];
        assert!(same_bits(found, other), "{what}, {index}: {found:?}, then {other:?}");
        let what = format!("{what}, output {index} of a graphics processor");
        near(&what, found, &wanted[index], graph.dtype());
    }
}

fn same_bits(one: &[f64], other: &[f64]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// To 1e-11 of the norm in f64 and 2e-5 in f32, with infinities and NaN in the same places.
pub(crate) fn near(what: &str, found: &[f64], wanted: &[f64], dtype: DType) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let finite = || found.iter().zip(wanted).filter(|(a, b)| a.is_finite() || b.is_finite());
    let off = finite().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let all = finite().map(|(_, b)| b * b).sum::<f64>().sqrt();
    let bound = if dtype == DType::F64 { 1e-11 } else { 2e-5 };
    assert!(off <= bound * (1.0 + all), "{what}: {off:e} of {all:e} apart");
    let same =
        |(a, b): (&f64, &f64)| a.is_nan() == b.is_nan() && (a.is_finite() || a.is_nan() || a == b);
    assert!(found.iter().zip(wanted).all(same), "{what}: {found:?}, wanted {wanted:?}");
}
