//! Downloads that are streamed to disk, resumed, and bounded.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::folder;
use super::receive::Stop;
use crate::digest::Digest;
use crate::error::{Error, SourceFault};
use crate::progress::{Progress, Step};

/// Rounds that may end without a byte more than any round before.
const VAIN_ROUNDS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
const CONNECT: Duration = Duration::from_secs(30);
/// The longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// A complete download, locked against other processes until it is dropped.
pub(super) struct Download {
    pub(super) path: PathBuf,
    note: PathBuf,
    _lock: File,
}

impl Download {
    pub(super) fn remove(self) -> Result<(), Error> {
        folder::clear(&self.note)?;
        folder::clear(&self.path)
    }
}

/// What must be known to resume a download.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    url: String,
    /// The server's name for this content: resuming is refused when it has changed.
    validator: Option<String>,
    total: Option<u64>,
}

/// Downloads `url`, at most `limit` bytes, to a file under `cache`; what an earlier attempt left
/// there is not downloaded again.
pub(super) fn download(
    url: &str,
    limit: u64,
    cache: &Path,
    progress: &mut dyn Progress,
) -> Result<Download, Stop> {
    let downloads = cache.join("downloads");
    folder::make(cache, &downloads)?;
    let path = downloads.join(format!("{}.part", Digest::of(url.as_bytes())));
    let file = lock_current(&path, progress)?;
    let note = path.with_extension("json");
    let lock = file.try_clone().map_err(Error::io("open", &path))?;
    let mut part = Part { url, limit, file, path: &path, note: &note, progress };
    match part.complete() {
        Ok(()) => Ok(Download { note, path, _lock: lock }),
        Err(stop) => {
            // The beginning of the right file is worth keeping, whatever went wrong after it.
            let wrong = matches!(stop, Stop::Source(SourceFault::TooLarge { .. }));
            if wrong || part.len()? == 0 {
                Download { note, path, _lock: lock }.remove()?;
            }
            Err(stop)
        }
    }
}

/// Locks the file at `path`, again where its last owner removed it while this process waited.
fn lock_current(path: &Path, progress: &mut dyn Progress) -> Result<File, Error> {
    loop {
        let file = folder::lock(path, progress)?;
        let held = file.metadata().map_err(Error::io("read", path))?;
        if fs::metadata(path).is_ok_and(|found| found.ino() == held.ino()) {
            return Ok(file);
        }
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        // A compressed transfer could not be resumed.
        .accept_encoding("identity")
        .user_agent(concat!("regimen/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent()
}

struct Part<'a> {
    url: &'a str,
    limit: u64,
    file: File,
    path: &'a Path,
    note: &'a Path,
    progress: &'a mut dyn Progress,
}

/// How one round of a download ended.
enum End {
    Complete,
    Early(String),
}

impl Part<'_> {
    /// Requests until the file is complete or several rounds brought nothing.
    fn complete(&mut self) -> Result<(), Stop> {
        let agent = agent();
        let mut note = self.read_note();
        let mut best = self.len()?;
        if note.total.is_some_and(|total| total == best) {
            return Ok(());
        }
        let mut vain = 0;
        loop {
            let reason = match self.round(&agent, &mut note)? {
                End::Complete => {
                    return self
                        .file
                        .sync_all()
                        .map_err(Error::io("sync", self.path))
                        .map_err(Stop::from);
                }
                End::Early(reason) => reason,
            };
            let bytes = self.len()?;
            vain = if bytes > best { 0 } else { vain + 1 };
            best = best.max(bytes);
            if vain == VAIN_ROUNDS {
                return Err(SourceFault::Truncated { bytes, total: note.total, reason }.into());
            }
            tracing::info!(url = self.url, bytes, reason, "download interrupted, resuming");
            thread::sleep(PAUSE);
        }
    }

    /// One request, from where the file ends.
    fn round(&mut self, agent: &Agent, note: &mut Note) -> Result<End, Stop> {
        let have = self.len()?;
        let mut request = agent.get(self.url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
            if let Some(validator) = &note.validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let mut response = request.call().map_err(|error| SourceFault::Http(error.to_string()))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT
                if range(response.headers()).is_some_and(|r| r.0 == have) =>
            {
                note.total = range(response.headers()).and_then(|range| range.1);
            }
            StatusCode::OK => {
                self.restart()?;
                *note = Note::of(self.url, &response);
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                self.restart()?;
                *note = Note::default();
                return Ok(End::Early(format!("byte {have} cannot be resumed from")));
            }
            status => return Err(SourceFault::Status { status: status.to_string() }.into()),
        }
        if note.total.is_some_and(|total| total > self.limit) {
            return Err(SourceFault::TooLarge { limit: self.limit }.into());
        }
        self.write_note(note)?;
        self.stream(&mut response.body_mut().as_reader(), note.total)
    }

    fn stream(&mut self, body: &mut dyn Read, total: Option<u64>) -> Result<End, Stop> {
        let mut bytes = self.file.seek(SeekFrom::End(0)).map_err(Error::io("write", self.path))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) if total.is_none_or(|total| bytes == total) => return Ok(End::Complete),
                Ok(0) => return Ok(End::Early("the connection was closed".into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(End::Early(error.to_string())),
            };
            bytes += read as u64;
            if bytes > self.limit {
                return Err(SourceFault::TooLarge { limit: self.limit }.into());
            }
            self.file.write_all(&buffer[..read]).map_err(Error::io("write", self.path))?;
            self.progress.step(Step::Downloaded { bytes, total });
        }
    }

    fn len(&self) -> Result<u64, Error> {
        Ok(self.file.metadata().map_err(Error::io("read", self.path))?.len())
    }

    fn restart(&self) -> Result<(), Error> {
        self.file.set_len(0).map_err(Error::io("write", self.path))
    }

    /// What an earlier attempt noted; nothing where that cannot be read.
    fn read_note(&self) -> Note {
        let note = fs::read(self.note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        note.unwrap_or_default()
    }

    fn write_note(&self, note: &Note) -> Result<(), Error> {
        let bytes = serde_json::to_vec(note).expect("a note is plain data");
        fs::write(self.note, bytes).map_err(Error::io("write", self.note))
    }
}

impl Note {
    fn of<T>(url: &str, response: &Response<T>) -> Self {
        let text = |name| response.headers().get(name)?.to_str().ok();
        // A weak tag does not promise equal bytes.
        let strong = text(header::ETAG).filter(|tag| !tag.starts_with("W/"));
        Self {
            url: url.into(),
            validator: strong.or_else(|| text(header::LAST_MODIFIED)).map(str::to_owned),
            total: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        }
    }
}

/// The first byte and the total of `Content-Range: bytes FIRST-LAST/TOTAL`.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (span, total) = range.split_once('/')?;
    Some((span.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}
