//! A store as the one who writes it holds it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tracing::{info, warn};

use crate::disk::{Access, Cause, Disk, DiskFile};

use super::blob::StoredRow;
use super::commit::{self, Commit, Committed, Prepared, Restore};
use super::error::StoreError;
use super::file::{Pages, StateFile};
use super::ids::Ids;
use super::outbox::OutboxChange;
use super::record::Record;
use super::snapshot::{Current, Held, Snapshot};
use super::tables::{Edit, Name, Tables};
use super::{FILE, NEW_FILE, Options, lock};

/// A commit needs more room than what it brings: for what is merged, and for pages of the database.
const ROOM: u64 = 4 << 20;

/// A store. One process has it open; what it holds can be read from any thread.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    folder: PathBuf,
    options: Options,
    /// The open database; after trouble there is none until it can be opened again.
    tables: Option<Tables>,
    /// Open for reading only while it cannot be opened for writing.
    reading: Option<Tables>,
    snapshot: Arc<Snapshot>,
    current: Current,
    ids: Ids,
    /// How much room is needed before it makes sense to try again.
    needed: Option<u64>,
    /// Whether something was found damaged: everything is checked before the next try.
    is_suspect: bool,
    _lock: Arc<dyn DiskFile>,
}

impl Store {
    /// Opens the store in a folder, which is made if there is none, as is the store. What it holds is
    /// durable afterwards, and every byte of it was read and held against its checksum.
    ///
    /// # Errors
    /// When it is in use, foreign, newer or damaged; the file is as it was then. When it cannot be written.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, options: Options) -> Result<Store, StoreError> {
        disk.make_folder(folder).map_err(StoreError::disk("make the folder", folder))?;
        let lock = lock::take(&*disk, folder)?;
        let path = folder.join(FILE);
        let tables = match disk.open(&path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&*disk, folder, options)?,
            opened => {
                let file = opened.map_err(StoreError::disk("open for writing", &path))?;
                // What is damaged is found before anything is written.
                let pages = check(Arc::clone(&file), &path, options)?;
                let file = StateFile::open(file, &path, false, pages)?;
                // If it has its name only since a moment before a crash, that has to last too.
                disk.sync_folder(folder).map_err(StoreError::disk("sync", folder))?;
                Tables::open(Arc::new(file), options.cache, false)?
            }
        };
        let snapshot = Arc::new(Snapshot::load(&tables)?);
        let ids = Ids::load(snapshot.view())?;
        Ok(Store {
            disk,
            path,
            folder: folder.to_path_buf(),
            options,
            tables: Some(tables),
            reading: None,
            current: Current::new(Arc::clone(&snapshot)),
            snapshot,
            ids,
            needed: None,
            is_suspect: false,
            _lock: lock,
        })
    }

    /// The state of the last commit.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The state of the last commit, for other threads; it follows later commits. While the disk does
    /// not let anything be written it can still be read, if it can be read at all.
    pub fn current(&self) -> Current {
        self.current.clone()
    }

    /// How many ids of alerts are remembered.
    pub fn ids(&self) -> usize {
        self.ids.len()
    }

    /// Stores a commit and makes it durable.
    ///
    /// # Errors
    /// When it cannot be stored or the disk fails. Then the state is the one before, or, if the disk
    /// failed at the very end, the one with this commit; never a mix. The same commit, or one with more,
    /// can be tried again: alerts that it has already put into the outbox are left out then.
    pub fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        commit.check()?;
        let options = self.options;
        self.transact(commit.size(), |edit, before, ids| commit.write(edit, before, ids, options))
    }

    /// Whether an alert of that id was put into the outbox, or dealt with otherwise.
    pub fn knows(&self, alert: &str) -> bool {
        self.ids.knows(alert)
    }

    /// Stores what a commit brings beside the state of the engine: alerts, what has happened to them, and what routing
    /// keeps. The state, and all that belongs to it, stays as it is.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    pub fn commit_beside(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        commit.check()?;
        let options = self.options;
        self.transact(commit.size(), |edit, before, ids| commit.write_beside(edit, before, ids, options))
    }

    /// Stores what has happened to alerts in the outbox, without anything else. It goes with the next
    /// commit just as well, and cheaper.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    pub fn change_outbox(&mut self, changes: &[OutboxChange<'_>]) -> Result<(), StoreError> {
        self.commit_beside(&Commit { outbox: changes, ..Commit::default() }).map(drop)
    }

    /// Stores a whole state in place of the one that there is. The rows come in order of group, space
    /// and key, as [`Snapshot::rows`] and savepoints give them. The outbox stays as it is.
    ///
    /// # Errors
    /// As for [`Store::commit`]; when the rows are not in order; the first error that they bring.
    pub fn restore(
        &mut self,
        restore: &Restore<'_>,
        rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
    ) -> Result<Committed, StoreError> {
        restore.check()?;
        let sizes = self.options.sizes;
        self.transact(0, |edit, before, _| restore.write(rows, edit, before, sizes))
    }

    /// Closes it.
    ///
    /// # Errors
    /// When that fails; what was committed is kept.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.tables.take().map_or(Ok(()), Tables::close)
    }

    /// Makes a change durable, or leaves everything as it was.
    fn transact(
        &mut self,
        size: u64,
        write: impl FnOnce(&Edit, &Snapshot, &Ids) -> Result<Prepared, StoreError>,
    ) -> Result<Committed, StoreError> {
        self.look_for_file()?;
        self.look_for_room()?;
        if self.tables.is_none() {
            self.reopen()?;
        }
        match self.try_transact(write) {
            Ok(committed) => {
                self.needed = None;
                Ok(committed)
            }
            Err(error) => {
                self.recover(&error, size);
                Err(error)
            }
        }
    }

    fn try_transact(
        &mut self,
        write: impl FnOnce(&Edit, &Snapshot, &Ids) -> Result<Prepared, StoreError>,
    ) -> Result<Committed, StoreError> {
        let tables = self.tables.as_ref().expect("it was opened just before");
        let bytes = tables.file().written();
        let edit = tables.edit()?;
        let prepared = write(&edit, &self.snapshot, &self.ids)?;
        let begun = Instant::now();
        edit.commit()?;
        // It may have been replaced by a copy of it since the last look.
        self.look_for_file()?;
        let Prepared { record, directory, lanes, ids, mut committed } = prepared;
        let snapshot = Snapshot::new(tables, record, directory, lanes)?;
        committed.sync_time = begun.elapsed();
        committed.bytes = tables.file().written() - bytes;
        self.ids.apply(snapshot.record.serial, ids);
        self.publish(snapshot);
        Ok(committed)
    }

    fn publish(&mut self, snapshot: Snapshot) {
        self.snapshot = Arc::new(snapshot);
        self.current.set(Arc::clone(&self.snapshot));
    }

    /// What is written to a file that has been taken away would be lost although all goes well.
    fn look_for_file(&self) -> Result<(), StoreError> {
        let there = self.disk.open(&self.path, Access::Read).map_err(StoreError::disk("open", &self.path))?;
        match &self.tables {
            Some(tables) if !tables.file().is_in(&*there)? => Err(replaced(&self.path)),
            _ => Ok(()),
        }
    }

    /// After a full disk, nothing is tried before there may be enough room.
    fn look_for_room(&self) -> Result<(), StoreError> {
        let Some(needed) = self.needed else { return Ok(()) };
        match self.disk.free_space(&self.folder) {
            Ok(free) if free < needed => {
                let text = format!("{free} bytes are free, and a checkpoint may need {needed}");
                let source = io::Error::new(io::ErrorKind::StorageFull, text);
                Err(StoreError::Disk { doing: "write", path: self.path.clone(), error: source })
            }
            _ => Ok(()),
        }
    }

    /// After an error of its file: redb gives up a database whose file has failed, and it may or may not
    /// have the commit. So it is opened anew.
    fn recover(&mut self, error: &StoreError, size: u64) {
        let is_ours = match error {
            StoreError::Disk { path, .. } => *path == self.path,
            StoreError::Damaged { file, .. } | StoreError::Ended { file } => *file == self.path,
            // Nothing was written.
            _ => false,
        };
        if !is_ours {
            return;
        }
        self.is_suspect |= matches!(error, StoreError::Damaged { .. });
        self.needed = (error.cause() == Some(Cause::Full)).then_some(size + ROOM);
        self.tables = None;
        if let Err(error) = self.reopen() {
            warn!(%error, "after trouble with it, the state cannot be opened for writing again; this is tried with each checkpoint");
        }
    }

    /// Opens it after trouble; if not for writing, then at least for reading.
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.reading = None;
        match self.open_again(false) {
            Ok((tables, snapshot, ids)) => {
                info!(file = %self.path.display(), checkpoint = snapshot.number(), "the state is open again");
                (self.tables, self.ids, self.is_suspect) = (Some(tables), ids, false);
                self.publish(snapshot);
                Ok(())
            }
            Err(error) => {
                // A commit that failed at the very end can be seen now and gone after a crash: nobody
                // may take it for kept.
                if let Ok((tables, snapshot, _)) = self.open_again(true)
                    && snapshot.record.serial == self.snapshot.record.serial
                {
                    self.reading = Some(tables);
                    self.publish(snapshot);
                }
                Err(error)
            }
        }
    }

    fn open_again(&self, is_read_only: bool) -> Result<(Tables, Snapshot, Ids), StoreError> {
        let path = &self.path;
        let (access, doing) = match is_read_only {
            true => (Access::Read, "open"),
            false => (Access::Write, "open for writing"),
        };
        let file = self.disk.open(path, access).map_err(StoreError::disk(doing, path))?;
        let pages = match self.is_suspect {
            true => check(Arc::clone(&file), path, self.options)?,
            // After a failed sync, what was written may not be what is read.
            false => Pages::default(),
        };
        let file = StateFile::open(file, path, is_read_only, pages)?;
        let tables = Tables::open(Arc::new(file), self.options.cache, false)?;
        let snapshot = Snapshot::load(&tables)?;
        // It may have the change that was under way, and nothing else.
        match snapshot.record.serial.checked_sub(self.snapshot.record.serial) {
            Some(0 | 1) => {}
            _ => return Err(replaced(path)),
        }
        let ids = Ids::load(snapshot.view())?;
        Ok((tables, snapshot, ids))
    }
}

/// The error for a file that is not the one that was opened.
fn replaced(path: &Path) -> StoreError {
    let source = io::Error::new(io::ErrorKind::NotFound, "another file is in its place");
    StoreError::Disk { doing: "use", path: path.to_path_buf(), error: source }
}

/// Holds everything in a file against its checksum; what its pages hold.
fn check(file: Arc<dyn DiskFile>, path: &Path, options: Options) -> Result<Pages, StoreError> {
    let file = Arc::new(StateFile::open(file, path, true, Pages::default())?);
    let tables = Tables::open(Arc::clone(&file), options.cache, true)?;
    Snapshot::load(&tables)?;
    let pages = std::mem::take(&mut *file.pages());
    Ok(pages)
}

/// Makes a new store. It has its name when it is whole and on the disk.
fn create(disk: &dyn Disk, folder: &Path, options: Options) -> Result<Tables, StoreError> {
    let (new, path) = (folder.join(NEW_FILE), folder.join(FILE));
    let file = disk.create(&new).map_err(StoreError::disk("create", &new))?;
    let tables = Tables::open(Arc::new(StateFile::create(file, &path)), options.cache, false)?;
    let edit = tables.edit()?;
    for name in Name::ALL {
        edit.table(name)?;
    }
    commit::write_record(&edit, &mut Record::default())?;
    edit.commit()?;
    disk.rename(&new, &path).map_err(StoreError::disk("rename", &new))?;
    disk.sync_folder(folder).map_err(StoreError::disk("sync", folder))?;
    Ok(tables)
}

/// The state of a store that no process has open, without changing anything in it. While it is held no
/// other process can open the store.
///
/// # Errors
/// When there is none, it is in use, foreign, newer or damaged, or cannot be read.
pub fn look(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Arc<Snapshot>, StoreError> {
    let lock = lock::take_to_read(&**disk, folder)?;
    let path = folder.join(FILE);
    let file = match disk.open(&path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::Missing { folder: folder.to_path_buf() });
        }
        opened => opened.map_err(StoreError::disk("open", &path))?,
    };
    let file = StateFile::open(file, &path, true, Pages::default())?;
    let tables = Tables::open(Arc::new(file), Options::default().cache, true)?;
    Ok(Arc::new(Snapshot::holding(Held { tables, _lock: lock })?))
}
