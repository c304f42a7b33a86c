//! Gathers the files of a data set out of sight and publishes them by one rename.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::receive::{Staging, Stop};
use super::{DatasetDir, MARKER, Marker, Received, Store, draw, folder};
use crate::error::{Attempt, Error, SourceFault};
use crate::manifest::{Manifest, Source, Wanted};
use crate::progress::{Progress, Step};

impl Store {
    /// Publishes `manifest` under its lock, unless what is already there is `good`.
    pub(super) fn publish(
        &self,
        manifest: &Manifest,
        progress: &mut dyn Progress,
        good: impl FnOnce(Option<&DatasetDir>) -> Result<bool, Error>,
    ) -> Result<DatasetDir, Error> {
        let home = self.home(manifest);
        folder::make(&self.cache, &home)?;
        let _lock = folder::lock(&home.with_extension("lock"), progress)?;
        let found = self.published(manifest)?;
        if good(found.as_ref())?
            && let Some(found) = found
        {
            return Ok(found);
        }
        let (new, old, path) = (home.join(".new"), home.join(".old"), self.directory(manifest));
        folder::clear(&new)?;
        folder::clear(&old)?;
        let gathered = self.gather(manifest, &new, progress).and_then(|received| {
            self.compare_with_record(manifest, &received)?;
            Ok(received)
        });
        let received = match gathered {
            Ok(received) => received,
            Err(error) => {
                folder::clear(&new)?;
                return Err(error);
            }
        };
        if fs::symlink_metadata(&path).is_ok() {
            fs::rename(&path, &old).map_err(Error::io("replace", &path))?;
        }
        fs::rename(&new, &path).map_err(Error::io("publish", &path))?;
        folder::sync(&home)?;
        folder::clear(&old)?;
        tracing::info!(dataset = manifest.name, path = %path.display(), "data set published");
        progress.step(Step::Published { path: &path });
        Ok(DatasetDir::new(manifest, received, path))
    }

    /// Refuses files that are not what was recorded when they came first, and records them then.
    fn compare_with_record(&self, manifest: &Manifest, came: &[Received]) -> Result<(), Error> {
        if came.is_empty() {
            return Ok(());
        }
        let record = self.record(manifest);
        let text = match fs::read(&record) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = serde_json::to_vec_pretty(came).expect("what came is plain data");
                return fs::write(&record, text).map_err(Error::io("write", &record));
            }
            text => text.map_err(Error::io("read", &record))?,
        };
        // What cannot be read says nothing, and is for the user to remove.
        let first: Vec<Received> = serde_json::from_slice(&text)
            .map_err(|error| Error::io("read", &record)(error.into()))?;
        for came in came {
            let before = first.iter().find(|first| first.file.path == came.file.path);
            if let Some(before) = before.filter(|before| before.file.sha256 != came.file.sha256) {
                let (dataset, wanted) = (manifest.name.clone(), before.file.sha256);
                let came = Box::new(came.clone());
                return Err(Error::Changed { dataset, wanted, came, record });
            }
        }
        Ok(())
    }

    /// Fills the directory `new` with every file of `manifest`, verified and synced, and tells what
    /// came for those without a sum.
    fn gather(
        &self,
        manifest: &Manifest,
        new: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Received>, Error> {
        fs::create_dir(new).map_err(Error::io("create", new))?;
        let files = manifest.wanted().count();
        let mut staging = Staging::new(new, files, progress);
        let mut attempts = self.take_from_folders(manifest, &mut staging)?;
        let folders = self.folders(manifest);
        // A mirror that nobody gave has not failed.
        let is_there =
            |source: &&Source| self.mirror.is_some() || !matches!(source, Source::Mirror { .. });
        for source in manifest.sources.iter().filter(is_there) {
            let given = manifest.wanted().filter(|file| source.gives(file.path));
            let wanted: Vec<_> = given.filter(|file| !staging.has(file.path)).collect();
            if wanted.is_empty() {
                continue;
            }
            let name = draw::describe(source, self.mirror.as_deref());
            staging.progress.step(Step::Trying { source: &name });
            staging.origin.clone_from(&name);
            if let Err(stop) = self.draw(source, &folders, &wanted, &mut staging) {
                let reason = stop.at_source()?;
                staging.forget(&wanted)?;
                failed(&mut attempts, &mut staging, name, reason);
            }
        }
        let missing = files - staging.len();
        if missing > 0 {
            let dataset = manifest.name.clone();
            let mirror = self.mirror.is_some();
            let obtain = self.obtain(manifest, &staging);
            return Err(Error::Fetch { dataset, missing, files, attempts, obtain, mirror });
        }
        let came = manifest.recorded.iter().filter_map(|file| staging.received(&file.path));
        let received: Vec<_> = came.cloned().collect();
        let marker = Marker { received, ..Marker::of(manifest) };
        let text = serde_json::to_vec(&marker).expect("a marker is plain data");
        let path = new.join(MARKER);
        fs::write(&path, text)
            .and_then(|()| fs::File::open(&path)?.sync_all())
            .map_err(Error::io("write", &path))?;
        folder::sync_tree(new)?;
        Ok(marker.received)
    }

    /// What the user has to bring, and where to put it.
    fn obtain(&self, manifest: &Manifest, staging: &Staging<'_>) -> Option<String> {
        let how = manifest.obtain.as_ref()?;
        let folder = match self.folders(manifest).first() {
            Some(folder) => folder.display().to_string(),
            None => format!("the folder {} of a mirror", manifest.name),
        };
        let put = format!("\n  to be got by yourself: {how}\n  to be put into {folder}");
        if manifest.sources.iter().any(|source| matches!(source, Source::Tree { .. })) {
            // The files of the data set are made from what is put there.
            return Some(put);
        }
        let missing = manifest.wanted().map(|file| file.path).filter(|path| !staging.has(path));
        Some(put + ": " + &missing.collect::<Vec<_>>().join(", "))
    }

    /// Takes the files that already lie, as they are, in a folder of this data set.
    fn take_from_folders(
        &self,
        manifest: &Manifest,
        staging: &mut Staging<'_>,
    ) -> Result<Vec<Attempt>, Error> {
        let mut attempts = Vec::new();
        for folder in self.folders(manifest) {
            for file in manifest.wanted() {
                if staging.has(file.path) {
                    continue;
                }
                let path = folder.join(file.path);
                staging.origin = path.display().to_string();
                let Err(stop) = take(file, &path, staging) else { continue };
                match stop.at_source()? {
                    SourceFault::Absent => {}
                    reason => failed(&mut attempts, staging, path.display().to_string(), reason),
                }
            }
        }
        Ok(attempts)
    }
}

fn take(file: Wanted<'_>, path: &Path, staging: &mut Staging<'_>) -> Result<(), Stop> {
    staging.receive(file, file.path, &mut draw::open_mirrored(path)?)
}

fn failed(
    attempts: &mut Vec<Attempt>,
    staging: &mut Staging<'_>,
    source: String,
    reason: SourceFault,
) {
    tracing::info!(source, %reason, "source failed");
    staging.progress.step(Step::Failed { source: &source, reason: &reason });
    attempts.push(Attempt { source, reason });
}
