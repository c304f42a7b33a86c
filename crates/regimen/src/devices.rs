//! Devices that runs are computed on: what of them is here.

use std::env;
use std::sync::Once;

use anyhow::{Result, bail};
use experiment::Device;
use orchestrator::config::Chosen;
use orchestrator::plan::Plan;

use crate::gpus::VISIBLE;
use crate::terminal::say;

/// How many graphics processors the engine can compute on, or why on none.
pub(crate) fn cuda() -> Result<usize, String> {
    #[cfg(feature = "cuda")]
    return cuda::nvidia::devices().map_err(|fault| fault.to_string());
    #[cfg(not(feature = "cuda"))]
    Err("this program was built without it: `cargo build --release --features cuda` has it".into())
}

/// The class of device that `auto` is here; that it is the processor is said once.
pub(crate) fn auto() -> Device {
    static SAID: Once = Once::new();
    match cuda() {
        Ok(_) => Device::Cuda,
        Err(why) => {
            SAID.call_once(|| say(&format!("resources.device: auto is cpu here: {why}")));
            Device::Cpu
        }
    }
}

/// That runs of a plan can be executed here.
///
/// # Errors
/// What is missing.
pub(crate) fn check(plan: &Plan) -> Result<()> {
    if plan.device() == Device::Cpu {
        return Ok(());
    }
    let wanted = plan.resources.device;
    match (cuda(), wanted) {
        (Err(why), _) => bail!("resources.device: wanted {wanted}, found none: {why}"),
        (Ok(count), Chosen::Cuda(number)) if number >= count => {
            bail!("resources.device: wanted {wanted}, found {count} of them, counted from 0")
        }
        _ => Ok(()),
    }
}

/// Has the engine compute what some work asks for on a device; see [`experiment::Engine`].
pub(crate) fn on(device: Device, gpus: &[String], work: &mut dyn FnMut()) -> Result<(), String> {
    match device {
        Device::Cpu => work(),
        Device::Cuda => opened(gpus)?.scope(work),
    }
    Ok(())
}

#[cfg(feature = "cuda")]
fn opened(gpus: &[String]) -> Result<autodiff::Device, String> {
    let number = number(gpus, env::var(VISIBLE).ok().as_deref())?;
    let images = datasets::default_cache().ok().map(|cache| cache.join("kernels"));
    let device = cuda::nvidia::device(number, images, cuda::Limits::default());
    device.map_err(|fault| fault.to_string())
}

#[cfg(not(feature = "cuda"))]
fn opened(gpus: &[String]) -> Result<autodiff::Device, String> {
    number(gpus, env::var(VISIBLE).ok().as_deref())?;
    Err(cuda().err().unwrap_or_default())
}

/// The number that CUDA gives the first of some graphics processors: it counts those that are visible.
fn number(gpus: &[String], visible: Option<&str>) -> Result<usize, String> {
    let Some(first) = gpus.first() else { return Ok(0) };
    let found = match visible {
        _ if let Some(number) = first.strip_prefix("cuda:") => number.parse().ok(),
        Some(list) => list.split(',').position(|name| name.trim() == first),
        None => first.parse().ok(),
    };
    found.ok_or_else(|| match visible {
        Some(list) => format!("graphics processor {first} is none of {VISIBLE}={list}"),
        None => format!("wanted the number of a graphics processor, found {first:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphics_processors_are_counted_as_cuda_counts_them() {
        let given = |name: &str| [name.to_owned()];
        assert_eq!(number(&[], Some("2,3")), Ok(0));
        assert_eq!(number(&given("3"), None), Ok(3));
        assert_eq!(number(&given("cuda:1"), Some("2,3")), Ok(1));
        assert_eq!(number(&given("3"), Some("2, 3")), Ok(1));
        assert_eq!(number(&given("GPU-a1"), Some("GPU-77,GPU-a1")), Ok(1));
        assert!(number(&given("GPU-a1"), None).unwrap_err().contains("the number of"));
        assert!(number(&given("4"), Some("2,3")).unwrap_err().contains("is none of"));
    }
}
