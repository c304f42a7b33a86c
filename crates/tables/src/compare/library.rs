//! Where published numbers are looked for.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{Published, published::path_in};
use crate::{Error, read::names_in, text::nearest};

/// Where a project or a store keeps published numbers.
const PUBLISHED: &str = "results/published";

/// Published tables of a project, of a store and of the papers that a program ships; the first
/// place that has a table gives it.
#[derive(Debug, Clone, Default)]
pub struct Library {
    folders: Vec<PathBuf>,
    shipped: Vec<(String, &'static str)>,
}

impl Library {
    /// Looks into `results/published` beside `configuration` and in every folder above it, where
    /// there is a configuration, then into `published` of `store`, then at what is shipped.
    pub fn new(configuration: Option<&Path>, store: &Path) -> Self {
        let absolute = configuration.and_then(|path| path.canonicalize().ok());
        let above = absolute.as_deref().into_iter().flat_map(|path| path.ancestors().skip(1));
        let mut folders: Vec<PathBuf> = above.map(|folder| folder.join(PUBLISHED)).collect();
        folders.push(store.join("published"));
        Self { folders, shipped: Vec::new() }
    }

    /// Adds a table `<experiment>/<table>` as CSV text.
    pub fn ship(&mut self, experiment: &str, table: &str, csv: &'static str) {
        self.shipped.push((format!("{experiment}/{table}"), csv));
    }

    /// The table `<experiment>/<table>`.
    ///
    /// # Errors
    /// [`Error::NotPublished`] where no place has it, otherwise as [`Published::read`].
    pub fn find(&self, name: &str) -> Result<Published, Error> {
        for folder in &self.folders {
            match Published::read(&path_in(folder, name)?) {
                Err(Error::Nothing(_)) => {}
                found => return found,
            }
        }
        match self.shipped.iter().find(|(shipped, _)| shipped == name) {
            Some((_, csv)) => Published::of_text(name, csv),
            None => Err(self.nowhere(name)),
        }
    }

    fn nowhere(&self, name: &str) -> Error {
        let known: Vec<String> = self.names().into_iter().collect();
        let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        let holds_any = |folder: &&PathBuf| folder.is_dir();
        let looked = self.folders.iter().filter(holds_any).cloned().collect();
        Error::NotPublished { name: name.into(), nearest, looked }
    }

    /// Names of all tables there are, sorted.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> =
            self.shipped.iter().map(|(name, _)| name.clone()).collect();
        for folder in &self.folders {
            // What cannot be listed has no names to offer.
            for experiment in names_in(folder).unwrap_or_default() {
                let tables = names_in(&folder.join(&experiment)).unwrap_or_default();
                let table = |file: &String| {
                    file.strip_suffix(".csv").map(|table| format!("{experiment}/{table}"))
                };
                names.extend(tables.iter().filter_map(table));
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SHIPPED: &str = "metric,value,spread,source,confidence\na,3,,shipped,verified\n";

    fn put(folder: &Path, value: u8) {
        fs::create_dir_all(folder.join("paper")).unwrap();
        let text = format!("metric,value,spread,source,confidence\na,{value},,file,verified\n");
        fs::write(folder.join("paper/table.csv"), text).unwrap();
    }

    #[test]
    fn the_nearest_place_gives_the_table() {
        let root = tempfile::tempdir().unwrap();
        let (project, store) = (root.path().join("project"), root.path().join("store"));
        fs::create_dir_all(project.join("configs")).unwrap();
        let configuration = project.join("configs/sweep.yaml");
        fs::write(&configuration, "").unwrap();
        let value = || {
            let mut library = Library::new(Some(&configuration), &store);
            library.ship("paper", "table", SHIPPED);
            library.find("paper/table").unwrap().numbers("a").next().unwrap().1.value
        };
        assert_eq!(value(), 3.0);
        put(&store.join("published"), 2);
        assert_eq!(value(), 2.0);
        put(&project.join(PUBLISHED), 1);
        assert_eq!(value(), 1.0);
        put(&project.join("configs").join(PUBLISHED), 0);
        assert_eq!(value(), 0.0);
    }

    #[test]
    fn what_is_nowhere_names_the_nearest() {
        let mut library = Library::new(None, Path::new("/nowhere"));
        library.ship("paper", "table", SHIPPED);
        let error = library.find("paper/tabel").unwrap_err().to_string();
        let wanted = "no published numbers \"paper/tabel\"; did you mean \"paper/table\"?";
        assert_eq!(error, wanted);
        assert!(matches!(library.find("../x").unwrap_err(), Error::Name { .. }));
    }
}
