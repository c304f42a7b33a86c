//! Debian packages: an `ar` archive with a compressed `tar` archive of the files.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use tar::Archive;

use crate::mismatch::Mismatch;

/// A package unpacks to at most so many bytes.
const UNPACKED: u64 = 1 << 30;

/// Calls `each` with the path (without `./`) and the content of every plain file for which `wants`
/// says so. Nothing is written anywhere: links are passed over, and a path is only a name.
///
/// # Errors
/// [`Mismatch`]: no package, one that ends early, an unknown compression, or what `each` says.
pub(crate) fn files(
    file: &str,
    bytes: &[u8],
    wants: impl Fn(&str) -> bool,
    mut each: impl FnMut(&str, Vec<u8>) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let damaged =
        |error: io::Error| Mismatch::new(file, "a whole Debian package", printable(&error));
    let mut package = ar::Archive::new(bytes);
    while let Some(member) = package.next_entry() {
        let member = member.map_err(damaged)?;
        let name = String::from_utf8_lossy(member.header().identifier()).into_owned();
        let plain: Box<dyn Read + '_> = match name.as_str() {
            "data.tar.xz" => Box::new(XzReader::new(BufReader::new(member), true)),
            "data.tar.gz" => Box::new(MultiGzDecoder::new(member)),
            "data.tar.zst" => Box::new(zstd::Decoder::new(member).map_err(damaged)?),
            "data.tar" => Box::new(member),
            other if other.starts_with("data.tar") => {
                return Err(Mismatch::new(file, "data.tar as xz, gz, zst or plain", name));
            }
            _ => continue,
        };
        let mut archive = Archive::new(BufReader::with_capacity(1 << 16, plain.take(UNPACKED)));
        for entry in archive.entries().map_err(damaged)? {
            let mut entry = entry.map_err(damaged)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path);
            if entry.header().entry_type().is_file() && wants(path) {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(damaged)?;
                each(path, content)?;
            }
        }
        return Ok(());
    }
    Err(Mismatch::new(file, "a Debian package with data.tar", "none"))
}

/// Messages about an archive may quote bytes of it.
fn printable(error: &io::Error) -> String {
    error.to_string().replace(char::is_control, "?")
}
