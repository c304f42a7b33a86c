//! Checkpoints: safetensors files that say what they are of and how far it was.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use autodiff::{Buffer, DType};
use experiment::Error;
use safetensors::tensor::{Metadata, View};
use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The key under which a file's metadata say what the file is, [`MODEL`] or [`CHECKPOINT`].
pub(crate) const KIND: &str = "kind";
/// The kind of a file of parameters by name, for anybody to read.
pub(crate) const MODEL: &str = "model";
const CHECKPOINT: &str = "checkpoint";
/// The key of the [`Header`].
const HEADER: &str = "header";
/// Version of the format; 1 held f64 and had no header.
const FORMAT: u32 = 2;
/// What to do about a checkpoint that nobody here can read.
const ANEW: &str = "end the run with what wrote it, or remove the checkpoint to begin anew";

const _: () = assert!(
    cfg!(target_endian = "little"),
    "buffers are written as they lie in memory, and safetensors are little-endian"
);

/// What a checkpoint says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    format: u32,
    /// The name of what goes on.
    pub(crate) of: String,
    /// Steps taken.
    pub(crate) step: u64,
    /// Which of OpenBLAS's kernels computed it, by the name of the processor they are for.
    pub(crate) blas: String,
}

impl Header {
    pub(crate) fn new(of: &str, step: u64) -> Self {
        Self { format: FORMAT, of: of.into(), step, blas: autodiff::blas_core() }
    }
}

/// What is kept of a computation: buffers in their own element type, and bytes, by name.
#[derive(Default)]
pub struct Saved<'a> {
    parts: BTreeMap<&'static str, Part<'a>>,
}

enum Part<'a> {
    Buffer(&'a Buffer),
    Bytes(Vec<u8>),
}

/// A part as a file has it.
struct Stored<'a> {
    dtype: Dtype,
    shape: [usize; 1],
    bytes: Cow<'a, [u8]>,
}

impl<'a> Saved<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a buffer, without a copy of its own.
    #[must_use]
    pub fn buffer(mut self, name: &'static str, buffer: &'a Buffer) -> Self {
        self.parts.insert(name, Part::Buffer(buffer));
        self
    }

    /// Keeps bytes.
    #[must_use]
    pub fn bytes(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.parts.insert(name, Part::Bytes(bytes));
        self
    }

    /// Keeps a value as JSON, in which every finite float keeps its bits.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a value that JSON does not have.
    pub fn json(self, name: &'static str, value: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|e| Error::Checkpoint(format!("{name}: not to be written: {e}")))?;
        Ok(self.bytes(name, bytes))
    }

    /// The file; parts in the host's memory are copied once, into it.
    pub(crate) fn to_file(&self, header: &Header) -> Result<Vec<u8>, Error> {
        let failed = |what: String| Error::Checkpoint(format!("not to be written: {what}"));
        let text = serde_json::to_string(header).map_err(|e| failed(e.to_string()))?;
        let metadata = [(KIND.to_owned(), CHECKPOINT.to_owned()), (HEADER.to_owned(), text)];
        let mut parts = Vec::with_capacity(self.parts.len());
        for (name, part) in &self.parts {
            parts.push((*name, part.stored().map_err(|e| failed(format!("{name}: {e}")))?));
        }
        safetensors::serialize(parts, Some(HashMap::from(metadata)))
            .map_err(|e| failed(e.to_string()))
    }
}

impl Part<'_> {
    /// The part in the host's memory: where it lies, or copied from a device.
    fn stored(&self) -> Result<Stored<'_>, autodiff::Error> {
        let buffer = match self {
            Part::Bytes(bytes) => {
                let shape = [bytes.len()];
                return Ok(Stored { dtype: Dtype::U8, shape, bytes: bytes.into() });
            }
            Part::Buffer(buffer) => buffer,
        };
        let bytes = match buffer.storage().host() {
            Some(bytes) => bytes.into(),
            None => {
                let mut bytes = vec![0; buffer.bytes()];
                buffer.storage().read(0, &mut bytes)?;
                bytes.into()
            }
        };
        Ok(Stored { dtype: dtype(buffer.dtype()), shape: [buffer.len()], bytes })
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn dtype(of: DType) -> Dtype {
    match of {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::U32 => Dtype::U32,
    }
}

/// What a checkpoint holds, by name.
pub struct Restored<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> Restored<'a> {
    /// Reads a file of `of` and its header.
    pub(crate) fn from_file(file: &'a [u8], of: &str) -> Result<(Self, Header), Error> {
        let unreadable = |e| Error::Checkpoint(format!("not to be read: {e}"));
        let (_, metadata) = SafeTensors::read_metadata(file).map_err(unreadable)?;
        let header = header(&metadata, of)?;
        let tensors = SafeTensors::deserialize(file).map_err(unreadable)?;
        Ok((Self { tensors }, header))
    }

    /// Whether there is a part of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// Puts a buffer's elements back.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there are none, or not as many of this type.
    pub fn buffer(&self, name: &str, to: &mut Buffer) -> Result<(), Error> {
        let data = self.part(name, dtype(to.dtype()), Some(to.len()))?;
        let failed = |e| Error::Checkpoint(format!("{name}: not to be put back: {e}"));
        to.storage_mut().write(0, data).map_err(failed)
    }

    /// Bytes that were kept.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there are none.
    pub fn bytes(&self, name: &str) -> Result<&'a [u8], Error> {
        self.part(name, Dtype::U8, None)
    }

    /// A value that was kept as JSON.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where there is none, or one of another type.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        serde_json::from_slice(self.bytes(name)?)
            .map_err(|e| Error::Checkpoint(format!("{name}: {e}")))
    }

    fn part(&self, name: &str, dtype: Dtype, len: Option<usize>) -> Result<&'a [u8], Error> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| Error::Checkpoint(format!("wanted a part {name:?}, found none")))?;
        let found: usize = tensor.shape().iter().product();
        if tensor.dtype() != dtype || len.is_some_and(|len| len != found) {
            let wanted = len.map_or_else(String::new, |len| format!("{len} of "));
            let kind = tensor.dtype();
            let message = format!("{name}: wanted {wanted}{dtype:?}, found {found} of {kind:?}");
            return Err(Error::Checkpoint(message));
        }
        Ok(tensor.data())
    }
}

/// The header of a checkpoint of `of`.
fn header(metadata: &Metadata, of: &str) -> Result<Header, Error> {
    let refused =
        |found: &str| Err(Error::Checkpoint(format!("wanted a checkpoint of {of}, found {found}")));
    let known = metadata.metadata().as_ref();
    match known.and_then(|known| known.get(KIND)).map(String::as_str) {
        Some(CHECKPOINT) => {}
        Some(MODEL) => return refused("a model"),
        _ => return refused(&format!("a file of another program or version: {ANEW}")),
    }
    let text = known.and_then(|known| known.get(HEADER)).map_or("", String::as_str);
    let header: Header =
        serde_json::from_str(text).map_err(|e| Error::Checkpoint(format!("the header: {e}")))?;
    if header.format != FORMAT {
        return refused(&format!("one in format {}: {ANEW}", header.format));
    }
    if header.of != of {
        return refused(&format!("one of {}", header.of));
    }
    Ok(header)
}

/// Whether a file's metadata say that it is a checkpoint.
pub(crate) fn is_checkpoint(metadata: &Metadata) -> bool {
    let known = metadata.metadata().as_ref().and_then(|known| known.get(KIND));
    known.is_some_and(|kind| kind == CHECKPOINT)
}

#[cfg(test)]
mod tests {
    use autodiff::Device;

    use super::*;
    use crate::{Init, Layout};

    fn file() -> Vec<u8> {
        let params = Buffer::from_slice(Device::cpu(), &[0.1f32, -0.0]).unwrap();
        let exact = Buffer::from_slice(Device::cpu(), &[0.1f64]).unwrap();
        let saved = Saved::new().buffer("params", &params).buffer("exact", &exact);
        let saved = saved.bytes("task", vec![7, 8, 9]).json("tally", &0.1f64).unwrap();
        saved.to_file(&Header::new("training", 7)).unwrap()
    }

    #[test]
    fn a_checkpoint_is_read_back_to_the_bit() {
        let file = file();
        let (found, header) = Restored::from_file(&file, "training").unwrap();
        assert_eq!(header, Header::new("training", 7));
        let mut params = Buffer::zeros(Device::cpu(), DType::F32, 2).unwrap();
        found.buffer("params", &mut params).unwrap();
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(params.to_vec().unwrap()), bits(vec![0.1, -0.0]));
        let mut exact = Buffer::zeros(Device::cpu(), DType::F64, 1).unwrap();
        found.buffer("exact", &mut exact).unwrap();
        assert_eq!(exact.to_vec::<f64>().unwrap(), [0.1]);
        assert_eq!(found.bytes("task").unwrap(), [7, 8, 9]);
        assert_eq!(found.json::<f64>("tally").unwrap(), 0.1);
        assert!(found.has("task") && !found.has("velocity"));
        for end in 0..file.len() {
            assert!(Restored::from_file(&file[..end], "training").is_err(), "cut at {end}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let file = file();
        let (found, _) = Restored::from_file(&file, "training").unwrap();
        let mut long = Buffer::zeros(Device::cpu(), DType::F32, 3).unwrap();
        let told = |result: Result<(), Error>| result.unwrap_err().to_string();
        assert_eq!(
            told(found.buffer("params", &mut long)),
            "checkpoint: params: wanted 3 of F32, found 2 of F32"
        );
        assert_eq!(
            told(found.bytes("velocity").map(drop)),
            "checkpoint: wanted a part \"velocity\", found none"
        );
        assert_eq!(
            told(Restored::from_file(&file, "descent").map(drop)),
            "checkpoint: wanted a checkpoint of descent, found one of training"
        );
    }

    #[test]
    fn models_and_checkpoints_refuse_each_other() {
        let layout = Layout::new().with("params", &[2], Init::Zeros);
        let model = layout.to_safetensors(&[1.0, 2.0]).unwrap();
        let told = Restored::from_file(&model, "training").map(drop).unwrap_err().to_string();
        assert_eq!(told, "checkpoint: wanted a checkpoint of training, found a model");
        assert_eq!(
            layout.from_safetensors(&file()).unwrap_err(),
            "wanted a model, found a checkpoint of a run that is under way"
        );
        let earlier = safetensors::serialize(BTreeMap::<&str, Stored<'_>>::new(), None).unwrap();
        let told = Restored::from_file(&earlier, "training").map(drop).unwrap_err().to_string();
        let file = "checkpoint: wanted a checkpoint of training, found a file of another program";
        assert_eq!(told, format!("{file} or version: {ANEW}"));
    }
}
