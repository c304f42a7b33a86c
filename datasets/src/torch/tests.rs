//! Files as PyTorch writes them, and hostile ones.

use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A persistent storage of floats, and a tensor over it, as instructions.
fn tensor(key: &str, elements: u8, offset: u8, shape: [u8; 2], strides: [u8; 2]) -> Vec<u8> {
    let text =
        |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut bytes = b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    bytes.extend(
        [text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text(key), text("cpu")].concat(),
    );
    bytes.extend([b'K', elements, b't', b'Q', b'K', offset]);
    for [a, b] in [shape, strides] {
        bytes.extend([b'K', a, b'K', b, 0x86]);
    }
    bytes.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    bytes
}

/// A dictionary of one tensor.
fn pickle(tensor: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\n)Rq\x00(X\x01\x00\x00\x00w".to_vec();
    bytes.extend(tensor);
    bytes.extend(b"u}X\x09\x00\x00\x00_metadatah\x00sb.");
    bytes
}

fn archive(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("m/data.pkl", pickle), ("m/byteorder", b"little"), ("m/data/0", storage)]
    {
        writer.start_file(name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn told(bytes: &[u8]) -> String {
    read("p", bytes, |_| true).unwrap_err().to_string()
}

#[test]
fn a_dictionary_of_tensors_is_read_and_others_are_named() {
    let storage = floats(&[9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let file = archive(&pickle(&tensor("0", 7, 1, [2, 3], [3, 1])), &storage);
    assert!(is_torch(&file));
    let (found, others) = read("p", &file, |_| true).unwrap();
    let values = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(found, [Tensor { name: "w".into(), shape: vec![2, 3], values }]);
    assert!(others.is_empty());
    let (found, others) = read("p", &file, |name| name == "v").unwrap();
    assert_eq!((found.len(), others), (0, vec!["w".to_owned()]));
}

#[test]
fn files_from_before_version_1_6_are_read() {
    let mut file = LEGACY.to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.");
    file.extend(pickle(&tensor("0", 2, 0, [1, 2], [2, 1])));
    file.extend(b"\x80\x02]X\x01\x00\x00\x000a.");
    file.extend(2u64.to_le_bytes());
    file.extend(floats(&[0.5, -1.5]));
    assert!(is_torch(&file));
    let (found, _) = read("p", &file, |_| true).unwrap();
    assert_eq!((&*found[0].shape, &*found[0].values), (&[1, 2][..], &[0.5, -1.5][..]));
    for end in LEGACY.len()..file.len() {
        assert!(read("p", &file[..end], |_| true).is_err(), "the first {end} bytes");
    }
}

#[test]
fn what_would_run_something_is_refused() {
    let storage = floats(&[1.0, 2.0]);
    let evil = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.";
    let found = told(&archive(evil, &storage));
    let wanted =
        "p data.pkl byte 2: wanted a name that makes a tensor of floats, found \"os.system\"";
    assert_eq!(found, wanted);
    let sound = tensor("0", 2, 0, [1, 2], [2, 1]);
    let with = |tensor: &[u8], storage: &[u8]| told(&archive(&pickle(tensor), storage));
    assert!(
        with(&tensor("1", 2, 0, [1, 2], [2, 1]), &storage).contains("p m/data/1: wanted an entry")
    );
    assert!(with(&tensor("0", 2, 1, [1, 2], [2, 1]), &storage).contains("within 2 elements"));
    assert!(with(&tensor("0", 4, 0, [2, 2], [1, 2]), &storage).contains("a row-major tensor"));
    assert!(with(&sound, &storage[..5]).ends_with("wanted 8 bytes, found 5 bytes"));
    assert!(with(b"ctorch._utils\n_rebuild_tensor_v2\n)R", &storage).contains("wanted a call"));
    assert!(told(b"PK\x03\x04 no archive").contains("wanted a zip archive"));
}

#[test]
fn no_change_of_a_byte_makes_it_panic() {
    let sound = pickle(&tensor("0", 2, 0, [1, 2], [2, 1]));
    let storage = floats(&[1.0, 2.0]);
    for at in 0..sound.len() {
        for value in [0, 1, b'(', b'.', b'R', b'Q', b'b', b'h', b't', b'u', 0x7f, 0xff] {
            let mut changed = sound.clone();
            changed[at] = value;
            let _ = read("p", &archive(&changed, &storage), |_| true);
        }
    }
}
