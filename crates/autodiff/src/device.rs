//! Devices, the storage they hold, and what a back end offers: the boundary that plans and numbers
//! cross, and nothing else.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use bytemuck::{cast_slice, cast_slice_mut};

use crate::plan::{Plan, Target};
use crate::{DType, Element, Error};

/// Memory of elements of one type on a device. Ranges and types are checked by the [`Buffer`] around it;
/// both are counted in bytes here.
pub trait Storage: Any + fmt::Debug + Send + Sync {
    /// Copies what lies from `start` on to the host.
    ///
    /// # Errors
    /// [`Error::Custom`] where the device fails.
    fn read(&self, start: usize, to: &mut [u8]) -> Result<(), Error>;

    /// Copies elements of the host to `start`.
    ///
    /// # Errors
    /// [`Error::Custom`] where the device fails.
    fn write(&mut self, start: usize, from: &[u8]) -> Result<(), Error>;

    /// The same elements in storage of their own.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no more.
    fn duplicate(&self) -> Result<Box<dyn Storage>, Error>;

    /// The elements themselves, where the host can reach them, aligned for their type.
    fn host(&self) -> Option<&[u8]> {
        None
    }

    /// [`Storage::host`], to be changed.
    fn host_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}

/// A plan in the form that a device runs.
pub trait Executable: fmt::Debug + Send {
    /// Runs once over one buffer for each input, of the input's length and type and on this device.
    ///
    /// # Errors
    /// What an operation finds wrong with values.
    fn run(&mut self, inputs: &mut [&mut Buffer]) -> Result<(), Error>;

    /// An output of the last run.
    fn output(&self, index: usize) -> &Buffer;

    /// Bytes it holds, without inputs.
    fn bytes(&self) -> usize;
}

/// What runs on a device: allocates its storage and compiles plans for it.
///
/// What plans may make use of, it says as a [`Target`].
pub trait Backend: Target + fmt::Debug + Sync {
    /// The name of the device's class, such as `cpu`; no two back ends have the same.
    fn name(&self) -> &'static str;

    /// `len` zeros.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no more.
    fn allocate(&self, dtype: DType, len: usize) -> Result<Box<dyn Storage>, Error>;

    /// The plan's program for this device.
    ///
    /// # Errors
    /// [`Error::Memory`], or [`Error::Custom`] for an operation that the device cannot run.
    fn compile(&self, plan: Plan) -> Result<Box<dyn Executable>, Error>;
}

/// Where buffers live and programs run.
#[derive(Clone, Copy)]
pub struct Device(&'static dyn Backend);

impl Device {
    /// The device of a back end.
    #[must_use]
    pub const fn of(backend: &'static dyn Backend) -> Device {
        Device(backend)
    }

    /// What runs on it.
    #[must_use]
    pub fn backend(self) -> &'static dyn Backend {
        self.0
    }

    /// The name of its class.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Device) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Device {}

impl Hash for Device {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// A flat run of elements of one type on one device.
#[derive(Debug)]
pub struct Buffer {
    device: Device,
    dtype: DType,
    len: usize,
    storage: Box<dyn Storage>,
    /// Differs from that of every other buffer and of every earlier content of this one.
    stamp: u64,
}

/// A number that was never given before.
fn stamp() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Buffer {
    /// `len` zeros.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no more.
    pub fn zeros(device: Device, dtype: DType, len: usize) -> Result<Buffer, Error> {
        let storage = device.backend().allocate(dtype, len)?;
        Ok(Buffer { device, dtype, len, storage, stamp: stamp() })
    }

    /// A copy of `values`.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no more.
    pub fn from_slice<T: Element>(device: Device, values: &[T]) -> Result<Buffer, Error> {
        let mut buffer = Buffer::zeros(device, T::DTYPE, values.len())?;
        buffer.storage.write(0, cast_slice(values))?;
        Ok(buffer)
    }

    /// The same elements in a buffer of their own.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no more.
    pub fn duplicate(&self) -> Result<Buffer, Error> {
        Ok(Buffer { storage: self.storage.duplicate()?, stamp: stamp(), ..*self })
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Bytes of its elements.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len * self.dtype.size()
    }

    /// The device it lives on.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Copies `values` to the elements from `offset` on.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs, [`Error::Range`] if the range leaves the buffer.
    pub fn write<T: Element>(&mut self, offset: usize, values: &[T]) -> Result<(), Error> {
        self.check::<T>("write", offset, values.len())?;
        self.storage_mut().write(offset * size_of::<T>(), cast_slice(values))
    }

    /// Copies the elements from `offset` on to `values`.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs, [`Error::Range`] if the range leaves the buffer.
    pub fn read<T: Element>(&self, offset: usize, values: &mut [T]) -> Result<(), Error> {
        self.check::<T>("read", offset, values.len())?;
        self.storage.read(offset * size_of::<T>(), cast_slice_mut(values))
    }

    /// A copy of every element.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>, Error> {
        self.check::<T>("to_vec", 0, self.len)?;
        self.on_host(<[T]>::to_vec)
    }

    /// Shows the elements to `work`: where they lie if the host can reach them there, else a copy.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn view<T: Element, R>(&self, work: impl FnOnce(&[T]) -> R) -> Result<R, Error> {
        self.check::<T>("view", 0, self.len)?;
        self.on_host(work)
    }

    /// Lets `work` change the elements: where they lie if the host can reach them there, else in a copy
    /// that is written back.
    ///
    /// # Errors
    /// [`Error::Type`] if the element type differs.
    pub fn update<T: Element, R>(&mut self, work: impl FnOnce(&mut [T]) -> R) -> Result<R, Error> {
        self.check::<T>("update", 0, self.len)?;
        if let Some(elements) = self.host_mut() {
            return Ok(work(elements));
        }
        let mut copy = self.to_vec::<T>()?;
        let result = work(&mut copy);
        self.storage_mut().write(0, cast_slice(&copy))?;
        Ok(result)
    }

    /// The elements, if the host can reach them where they lie and they are of this type.
    #[must_use]
    pub fn host<T: Element>(&self) -> Option<&[T]> {
        self.storage.host().filter(|_| self.dtype == T::DTYPE).map(cast_slice)
    }

    /// [`Buffer::host`], to be changed.
    pub fn host_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        let holds = self.dtype == T::DTYPE;
        self.storage_mut().host_mut().filter(|_| holds).map(cast_slice_mut)
    }

    fn on_host<T: Element, R>(&self, work: impl FnOnce(&[T]) -> R) -> Result<R, Error> {
        if let Some(elements) = self.host() {
            return Ok(work(elements));
        }
        let mut copy = vec![T::default(); self.len];
        self.storage.read(0, cast_slice_mut(&mut copy))?;
        Ok(work(&copy))
    }

    fn check<T: Element>(&self, op: &'static str, start: usize, len: usize) -> Result<(), Error> {
        if self.dtype != T::DTYPE {
            return Err(Error::Type { op, wanted: T::DTYPE, found: self.dtype });
        }
        match start.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            end => Err(Error::Range { start, end: end.unwrap_or(usize::MAX), len: self.len }),
        }
    }

    /// The storage, as the back end that allocated it knows it.
    pub fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// [`Buffer::storage`], to be changed.
    pub fn storage_mut(&mut self) -> &mut dyn Storage {
        self.stamp = stamp();
        &mut *self.storage
    }

    /// [`Buffer::storage`] as a program wants it that reads the buffer alone.
    pub(crate) fn storage_to_read(&mut self) -> &mut dyn Storage {
        &mut *self.storage
    }

    /// A number for the content: as long as it stays the same, nothing was written.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Graph, reference};

    #[test]
    fn writes_reads_and_shows_a_range_wherever_it_lies() {
        for device in [Device::cpu(), reference::device()] {
            let mut buffer = Buffer::zeros(device, DType::F32, 4).unwrap();
            buffer.write(1, &[2.0f32, 3.0]).unwrap();
            let mut two = [0.0f32; 2];
            buffer.read(2, &mut two).unwrap();
            assert_eq!(two, [3.0, 0.0]);
            buffer.update(|values: &mut [f32]| values[3] = 4.0).unwrap();
            let copy = buffer.duplicate().unwrap();
            buffer.write(3, &[0.0f32]).unwrap();
            assert_eq!(buffer.view(|values: &[f32]| values.len()).unwrap(), 4);
            assert_eq!(buffer.to_vec::<f32>().unwrap(), [0.0, 2.0, 3.0, 0.0]);
            assert_eq!(copy.to_vec::<f32>().unwrap(), [0.0, 2.0, 3.0, 4.0]);
            let mut indices = Buffer::from_slice(device, &[1u32, 2]).unwrap();
            indices.update(|values: &mut [u32]| values.reverse()).unwrap();
            assert_eq!(indices.to_vec::<u32>().unwrap(), [2, 1]);
        }
        // Only the processor's memory is the host's.
        assert!(Buffer::zeros(Device::cpu(), DType::F64, 1).unwrap().host::<f64>().is_some());
        assert!(Buffer::zeros(Device::cpu(), DType::F64, 1).unwrap().host::<f32>().is_none());
        assert!(Buffer::zeros(reference::device(), DType::F64, 1).unwrap().host::<f64>().is_none());
    }

    #[test]
    fn refuses_the_wrong_type_and_range() {
        let mut buffer = Buffer::from_slice(Device::cpu(), &[1u32, 2]).unwrap();
        assert_eq!(buffer.write(1, &[1u32, 2]), Err(Error::Range { start: 1, end: 3, len: 2 }));
        let far = buffer.read(usize::MAX, &mut [0u32; 2]);
        assert!(matches!(far, Err(Error::Range { .. })), "{far:?}");
        assert_eq!(
            buffer.to_vec::<f64>(),
            Err(Error::Type { op: "to_vec", wanted: DType::F64, found: DType::U32 })
        );
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        for len in [usize::MAX / 8, usize::MAX] {
            let error = Buffer::zeros(Device::cpu(), DType::F64, len).unwrap_err();
            assert!(matches!(error, Error::Memory { device: "cpu", .. }), "{error}");
        }
        let graph = Graph::new(DType::F32);
        let row = graph.input("row", &[1, 1 << 30]);
        let column = graph.input("column", &[1 << 30, 1]);
        let error = graph.compile(&[row.add(column).unwrap()]).unwrap_err();
        assert!(matches!(error, Error::Memory { device: "cpu", .. }), "{error}");
    }

    #[test]
    fn a_program_takes_buffers_of_its_own_device() {
        let graph = Graph::new(DType::F64);
        let x = graph.input("x", &[2]);
        let mut program = graph.compile(&[x.exp()]).unwrap();
        let mut buffer = Buffer::from_slice(reference::device(), &[0.0, 1.0]).unwrap();
        let error = program.run(&mut [&mut buffer]).unwrap_err().to_string();
        assert_eq!(error, "program: input `x` is on the device reference, wanted cpu");
        let mut program = reference::device().scope(|| graph.compile(&[x.exp()])).unwrap();
        assert_eq!(Device::current(), Device::cpu());
        program.run(&mut [&mut buffer]).unwrap();
        assert_eq!(program.output(0).to_vec::<f64>().unwrap(), [1.0, 1f64.exp()]);
    }
}
