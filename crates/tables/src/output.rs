//! Files that the user named.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use crate::{
    Error,
    file::{failed, parent, temporary_beside},
};

/// Links that are followed before they are taken for a circle, as many as Linux follows.
const LINKS: usize = 40;

/// Writes what a user asked for to where the user wants it.
///
/// A file is replaced whole or stays as it was, with its permissions and its owner; folders that are
/// missing are made. A link stays one: what it points to is written. Into a pipe, a device or an open
/// descriptor (`/dev/stdout`, `/dev/fd/3`) the bytes are written as into any file, and so they are
/// into a file that cannot be replaced: one of several names, one in a folder that takes no other
/// file, one that is mounted.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, There::Replaced).map_err(|source| failed("write", path, source))
}

/// [`write_output`] that replaces no file.
///
/// # Errors
/// [`Error::Io`] naming the file, also where it is there already.
pub fn write_new_output(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, There::Kept).map_err(|source| failed("write", path, source))
}

/// What becomes of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Replaced,
    Kept,
}

fn write(path: &Path, bytes: &[u8], there: There) -> io::Result<()> {
    let found = match fs::metadata(path) {
        Ok(found) => Some(found),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let target = follow(path)?;
    match (found, target) {
        (Some(found), _) if found.is_dir() => Err(io::Error::new(
            ErrorKind::IsADirectory,
            "it is a folder, wanted the name of a file",
        )),
        (Some(found), Some(_)) if found.is_file() && there == There::Kept => {
            Err(ErrorKind::AlreadyExists.into())
        }
        (Some(found), Some(target)) if found.is_file() => over(&target, &found, bytes),
        (Some(found), _) => into(path, &found, bytes),
        (None, target) => anew(target.as_deref().unwrap_or(path), bytes, there),
    }
}

/// Where a path leads; `None` for a descriptor of a process, which has a name only in appearance.
fn follow(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut at = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&at) else { return Ok(Some(at)) };
        if fs::canonicalize(parent(&at))?.starts_with("/proc") {
            return Ok(None);
        }
        at = parent(&at).join(target);
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// Writes into what is no file of its own.
fn into(path: &Path, found: &Metadata, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // A descriptor of a file goes on where it stands.
    options.write(true).append(found.is_file());
    let mut file = match found.file_type().is_fifo() {
        true => open_pipe(&mut options, path)?,
        false => options.open(path)?,
    };
    match file.write_all(bytes) {
        // A reader that has read enough.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Opens a pipe, saying so when nobody reads from it yet.
fn open_pipe(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let at_once = options.clone().custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    match at_once {
        Ok(file) => {
            rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
            Ok(file)
        }
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            tracing::warn!(pipe = %path.display(), "waiting for somebody to read");
            options.open(path)
        }
        Err(e) => Err(e),
    }
}

/// Writes a file that was not there.
fn anew(target: &Path, bytes: &[u8], there: There) -> io::Result<()> {
    let made = make_folders(parent(target))?;
    let written = replace(target, None, bytes, there);
    if written.is_err() {
        // Best effort: the error that ended the writing is the one worth reporting.
        made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    written
}

/// Makes a folder and those above it; those that were missing, the innermost first.
fn make_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists());
    let missing = missing.map(Path::to_path_buf).collect();
    fs::create_dir_all(folder)?;
    Ok(missing)
}

/// Writes over a file.
fn over(target: &Path, found: &Metadata, bytes: &[u8]) -> io::Result<()> {
    // Also where replacing would not ask: what must not be written is not.
    let mut file = OpenOptions::new().write(true).open(target)?;
    if found.nlink() == 1 {
        match replace(target, Some(found), bytes, There::Replaced) {
            Err(e) if is_refused(&e) => {}
            done => return done,
        }
    }
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether a file cannot be replaced although it might be written.
fn is_refused(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy | CrossesDevices)
}

/// Puts a file into its place whole, with the mode and owner of the one that was there.
fn replace(target: &Path, old: Option<&Metadata>, bytes: &[u8], there: There) -> io::Result<()> {
    let (temporary, mut file) = temporary_beside(target)?;
    let mut put = || {
        if let Some(old) = old {
            let new = file.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        match there {
            There::Replaced => fs::rename(&temporary, target),
            There::Kept => rename_new(&temporary, target),
        }
    };
    let done = put();
    if done.is_err() {
        // The error that ended the writing is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// Renames a file to a name that nothing has, also where another process takes it at the same time.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot; nothing was there when it was looked at.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::rename(from, to),
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::symlink, thread};

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn folder_with(name: &str, old: &str) -> (TempDir, PathBuf) {
        let folder = tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, old).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_nothing_else_is_left() {
        let (folder, path) = folder_with("page.html", "old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap().ino();
        write_output(&path, b"new").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((text(&path).as_str(), after.mode() & 0o777), ("new", 0o640));
        assert_ne!(after.ino(), before, "a reader of the old one still has it whole");
        assert_eq!(names(folder.path()), ["page.html"]);
    }

    #[test]
    fn a_new_file_replaces_none() {
        let (folder, path) = folder_with("page.html", "old");
        let refused = write_new_output(&path, b"new").unwrap_err();
        let cause = std::error::Error::source(&refused).unwrap();
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!((kind, text(&path).as_str()), (Some(ErrorKind::AlreadyExists), "old"));
        // One that appears while it is written stays.
        let late = replace(&path, None, b"new", There::Kept).unwrap_err();
        assert_eq!((late.kind(), text(&path).as_str()), (ErrorKind::AlreadyExists, "old"));
        let other = folder.path().join("new/other.html");
        write_new_output(&other, b"new").unwrap();
        assert_eq!(
            (text(&other).as_str(), names(folder.path())),
            ("new", vec!["new".into(), "page.html".into()])
        );
        write_new_output(Path::new("/dev/null"), b"gone").unwrap();
    }

    #[test]
    fn links_stay_links() {
        let (folder, target) = folder_with("target", "old");
        let at = |name: &str| folder.path().join(name);
        symlink("target", at("one")).unwrap();
        symlink(at("one"), at("two")).unwrap();
        write_output(&at("two"), b"through two").unwrap();
        assert_eq!(text(&target), "through two");
        fs::hard_link(&target, at("hard")).unwrap();
        write_output(&at("hard"), b"both names").unwrap();
        assert_eq!(text(&target), "both names");
        symlink("new/file", at("dangling")).unwrap();
        write_output(&at("dangling"), b"made").unwrap();
        assert_eq!(text(&at("new/file")), "made");
        symlink("circle", at("circle")).unwrap();
        assert!(write_output(&at("circle"), b"never").is_err());
        assert_eq!(
            names(folder.path()),
            ["circle", "dangling", "hard", "new", "one", "target", "two"]
        );
        for link in ["one", "two", "dangling"] {
            assert!(at(link).is_symlink(), "{link}");
        }
    }

    #[test]
    fn pipes_and_devices_are_written_into() {
        let folder = tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600))
            .unwrap();
        let reader = pipe.clone();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            File::open(reader).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        let long = "x".repeat(1 << 17);
        write_output(&pipe, long.as_bytes()).unwrap();
        assert!(reader.join().unwrap() == long, "longer than a pipe holds");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        symlink("/dev/null", folder.path().join("null")).unwrap();
        write_output(&folder.path().join("null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        let full = write_output(Path::new("/dev/full"), b"too much").unwrap_err();
        assert_eq!(full.to_string(), "could not write /dev/full");
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_descriptor_of_a_file_goes_on_where_it_stands() {
        use std::os::fd::AsRawFd;
        let (_folder, path) = folder_with("log", "before\n");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        write_output(Path::new(&format!("/dev/fd/{}", file.as_raw_fd())), b"page\n").unwrap();
        file.write_all(b"after\n").unwrap();
        assert_eq!(text(&path), "before\npage\nafter\n");
    }

    #[test]
    fn what_cannot_be_written_stays_and_leaves_nothing_behind() {
        let (folder, path) = folder_with("page", "old");
        let at = |name: &str| folder.path().join(name);
        let error = |path: &Path| {
            let error = write_output(path, b"new").unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            cause
        };
        assert_eq!(error(folder.path()), "it is a folder, wanted the name of a file");
        error(&path.join("below a file"));
        error(&at("new/folders/").join("x".repeat(300)));
        assert_eq!((text(&path).as_str(), names(folder.path())), ("old", vec!["page".to_owned()]));
        // As long as a name can be.
        write_output(&at(&"x".repeat(255)), b"new").unwrap();
        write_output(&at("new/folders/page"), b"new").unwrap();
    }
}
