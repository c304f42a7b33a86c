//! Links from the page to files of the store.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

/// The way from a page to its store, as a relative address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links(String);

impl Links {
    /// From the folder in which the page will lie; none where one of both cannot be found.
    pub(crate) fn new(page: &Path, store: &Path) -> Option<Self> {
        let from = existing(std::path::absolute(page).ok()?.parent()?)?;
        let to = fs::canonicalize(store).ok()?;
        Some(Self(address(&relative(&from, &to))))
    }

    /// The address of a file below the store.
    pub(crate) fn to(&self, parts: [&str; 3]) -> String {
        let parts = parts.map(|part| encoded(part.as_bytes()));
        format!("{}/{}", self.0, parts.join("/"))
    }
}

/// A path without links, of which the end may not be there yet.
fn existing(path: &Path) -> Option<PathBuf> {
    let there = path.ancestors().find(|part| part.exists())?;
    let rest = path.strip_prefix(there).ok()?;
    Some(fs::canonicalize(there).ok()?.join(rest))
}

/// The way from one folder to another, both from the root.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    [Component::CurDir].into_iter().chain(up).chain(to.components().skip(shared)).collect()
}

fn address(path: &Path) -> String {
    let parts = path.components().map(|part| encoded(part.as_os_str().as_bytes()));
    parts.collect::<Vec<_>>().join("/")
}

/// A part of an address: everything but plain letters, digits and `-._~` as `%` and two digits.
fn encoded(part: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    part.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_up_and_down() {
        let way = |from: &str, to: &str| address(&relative(Path::new(from), Path::new(to)));
        assert_eq!(way("/a/pages", "/a/store"), "./../store");
        assert_eq!(way("/a/store", "/a/store"), ".");
        assert_eq!(way("/a", "/a/my store/#1"), "./my%20store/%231");
        assert_eq!(way("/a/b/c", "/d"), "./../../../d");
    }

    #[test]
    fn names_cannot_leave_an_address() {
        let links = Links(".".into());
        let name = "a b?c#d\"<e>&'../%41\u{e9}.png";
        let expected = "./artifacts/12/a%20b%3Fc%23d%22%3Ce%3E%26%27..%2F%2541%C3%A9.png";
        assert_eq!(links.to(["artifacts", "12", name]), expected);
    }

    #[test]
    fn the_folder_of_a_page_need_not_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        fs::create_dir(&store).unwrap();
        let page = folder.path().join("new/pages/it.html");
        assert_eq!(Links::new(&page, &store), Some(Links("./../../store".into())));
        assert_eq!(Links::new(&store.join("it.html"), &store), Some(Links(".".into())));
        assert_eq!(Links::new(&page, &folder.path().join("none")), None);
    }
}
