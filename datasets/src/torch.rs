//! Tensors by name out of files that PyTorch saves (`.pth`, `.pt`), read without running anything.
//!
//! Since version 1.6 such a file is a zip archive of a pickle and the bytes of every storage; before that it
//! was a row of pickles followed by the storages. Both are read. A pickle may call any function of
//! Python: only what makes a dictionary of tensors is known here, and everything else is an error that
//! names its byte.

mod machine;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use half::{bf16, f16};
use zip::{CompressionMethod, ZipArchive};

use crate::mismatch::Mismatch;
use machine::{Kind, Machine, Stored, Value};

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its key, for example `features.0.weight`.
    pub name: String,
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Its elements, row-major.
    pub values: Vec<f32>,
}

/// The first bytes of files from before version 1.6: protocol 2, and a number of ten bytes.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// Bytes of the pickle in an archive.
const PICKLE: u64 = 16 << 20;

/// Whether a file seems to be one of PyTorch's.
pub fn is_torch(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(LEGACY)
}

/// Reads those tensors of a dictionary whose names are `wanted`, in the order of the file; a dictionary
/// under `state_dict` counts in place of the one that it is in. Elements of 16 and 64 bits are converted.
/// The second list has the names of all others.
///
/// # Errors
/// [`Mismatch`]: anything in the pickle that a dictionary of tensors does not need, storages that are
/// missing, too short or compressed, tensors that are not row-major, a number that `f32` cannot hold.
pub fn read(
    file: &str,
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<(Vec<Tensor>, Vec<String>), Mismatch> {
    if bytes.starts_with(LEGACY) {
        return legacy(file, bytes, wanted);
    }
    let broken = |e: zip::result::ZipError| Mismatch::new(file, "a zip archive", e.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let pickle = archive.file_names().find(|name| name.ends_with("/data.pkl")).map(str::to_owned);
    let pickle =
        pickle.ok_or_else(|| Mismatch::new(file, "an archive with data.pkl", "one without it"))?;
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    if let Ok(order) = entry(file, &mut archive, &format!("{folder}byteorder"), 16)
        && order != b"little"
    {
        let found = String::from_utf8_lossy(&order).into_owned();
        return Err(Mismatch::new(format!("{file} byteorder"), "little", found));
    }
    let program = entry(file, &mut archive, &pickle, PICKLE)?;
    let place = format!("{file} data.pkl");
    let (machine, root, end) = Machine::run(&place, &program, 0)?;
    if end != program.len() {
        let found = format!("{} bytes more", program.len() - end);
        return Err(Mismatch::new(place, "a pickle that ends", found));
    }
    tensors(&machine, root, wanted, |stored| {
        let name = format!("{folder}data/{}", stored.key);
        let len = stored.bytes(file)?;
        let found = entry(file, &mut archive, &name, len as u64)?;
        if found.len() == len {
            return Ok(found);
        }
        let found = format!("{} bytes", found.len());
        Err(Mismatch::new(format!("{file} {name}"), format!("{len} bytes"), found))
    })
}

/// The bytes of an entry, at most `most`, which must not be compressed.
fn entry(
    file: &str,
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, Mismatch> {
    let place = || format!("{file} {name}");
    let fail = |wanted: &str, found: String| Mismatch::new(place(), wanted, found);
    let entry = archive.by_name(name).map_err(|e| fail("an entry", e.to_string()))?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(fail("an entry that is not compressed", entry.compression().to_string()));
    }
    if entry.size() > most {
        return Err(fail(&format!("at most {most} bytes"), entry.size().to_string()));
    }
    let mut bytes = Vec::new();
    entry.take(most).read_to_end(&mut bytes).map_err(|e| fail("its bytes", e.to_string()))?;
    Ok(bytes)
}

/// Files from before version 1.6: a number, the version of the protocol, the machine, the tensors, the keys
/// of storages, and each storage with its number of elements before it.
fn legacy(
    file: &str,
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<(Vec<Tensor>, Vec<String>), Mismatch> {
    let (machine, version, at) = Machine::run(file, bytes, LEGACY.len())?;
    if !matches!(machine.value(version), Value::Int(1001)) {
        let found = machine.shown(version);
        return Err(Mismatch::new(file, "version 1001 of the protocol", found));
    }
    let (machine, system, at) = Machine::run(file, bytes, at)?;
    let little = machine.entry(system, "little_endian").map(|at| machine.value(at));
    if !matches!(little, Some(Value::Bool(true))) {
        return Err(Mismatch::new(file, "little_endian: true", machine.shown(system)));
    }
    let (machine, root, at) = Machine::run(file, bytes, at)?;
    let (listed, keys, mut at) = Machine::run(file, bytes, at)?;
    let Value::List(keys) = listed.value(keys) else {
        return Err(Mismatch::new(file, "a list of storages", listed.shown(keys)));
    };
    let sizes = machine.storages();
    let mut places = BTreeMap::new();
    for &key in keys {
        let Value::Text(key) = listed.value(key) else {
            return Err(Mismatch::new(file, "the key of a storage", listed.shown(key)));
        };
        let place = format!("{file} storage {key}");
        let stored = sizes.get(key);
        let stored = stored.ok_or_else(|| Mismatch::new(&place, "a tensor of it", "none"))?;
        let len = stored.bytes(file)?;
        let count = bytes.get(at..at + 8).and_then(|count| count.try_into().ok());
        let count = count.map(u64::from_le_bytes);
        if count != Some(stored.elements as u64) {
            let wanted = format!("{} elements", stored.elements);
            let found = count.map_or_else(|| "the end".into(), |count| count.to_string());
            return Err(Mismatch::new(place, wanted, found));
        }
        let data = bytes.get(at + 8..at + 8 + len);
        let data = data
            .ok_or_else(|| Mismatch::new(place, format!("{len} bytes"), "the end of the file"))?;
        places.insert(*key, data);
        at += 8 + len;
    }
    tensors(&machine, root, wanted, |stored| {
        let data = places.get(stored.key);
        let missing = || Mismatch::new(format!("{file} storage {}", stored.key), "one", "none");
        data.map(|data| data.to_vec()).ok_or_else(missing)
    })
}

fn tensors(
    machine: &Machine<'_>,
    root: usize,
    wanted: impl Fn(&str) -> bool,
    mut storage: impl FnMut(&Stored<'_>) -> Result<Vec<u8>, Mismatch>,
) -> Result<(Vec<Tensor>, Vec<String>), Mismatch> {
    let root = machine.entry(root, "state_dict").unwrap_or(root);
    let Value::Dict(entries) = machine.value(root) else {
        return Err(machine.fail("a dictionary of tensors", machine.shown(root)));
    };
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for &(key, value) in entries {
        let (Value::Text(name), Value::Tensor(tensor)) = (machine.value(key), machine.value(value))
        else {
            continue;
        };
        if !wanted(name) {
            others.push((*name).to_owned());
            continue;
        }
        let elements: usize = tensor.shape.iter().product();
        let bytes = storage(&tensor.stored)?;
        let width = tensor.stored.kind.width();
        let data = bytes.get(width * tensor.offset..width * (tensor.offset + elements));
        let data = data.ok_or_else(|| {
            machine
                .fail(format!("all of {name:?} in its storage"), format!("{} bytes", bytes.len()))
        })?;
        let values = tensor.stored.kind.read(data);
        let values = values.map_err(|found| machine.fail("a number that f32 holds", found))?;
        found.push(Tensor { name: (*name).to_owned(), shape: tensor.shape.clone(), values });
    }
    Ok((found, others))
}

impl Kind {
    /// The elements in `f32`, or a finite one that is infinite there.
    fn read(self, data: &[u8]) -> Result<Vec<f32>, String> {
        let halves = |value: fn(u16) -> f32| -> Vec<f32> {
            let (words, _) = data.as_chunks::<2>();
            words.iter().map(|word| value(u16::from_le_bytes(*word))).collect()
        };
        Ok(match self {
            Self::Half => halves(|bits| f16::from_bits(bits).to_f32()),
            Self::BFloat16 => halves(|bits| bf16::from_bits(bits).to_f32()),
            Self::Float => {
                let (words, _) = data.as_chunks::<4>();
                words.iter().map(|word| f32::from_le_bytes(*word)).collect()
            }
            Self::Double => {
                let (words, _) = data.as_chunks::<8>();
                words
                    .iter()
                    .map(|word| narrow(f64::from_le_bytes(*word)))
                    .collect::<Result<_, _>>()?
            }
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn narrow(value: f64) -> Result<f32, String> {
    let single = value as f32;
    if single.is_finite() == value.is_finite() { Ok(single) } else { Err(format!("{value:e}")) }
}
