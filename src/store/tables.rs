//! The database, with errors that say what and where.
//!
//! Everything that redb is asked goes through here. Redb may panic over a file that something else has
//! changed while it was open (its documentation says so); here that becomes an error.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use redb::{
    AccessGuard, Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, Table,
    TableDefinition, TableError, WriteTransaction,
};

use super::error::StoreError;
use super::file::{Backend, StateFile, damage};
use super::format::{Reader, Writer};

type Bytes = &'static [u8];

/// What is said of a value that cannot be read although it has its checksum.
pub const STRANGE: &str = "is not what it should be";

/// A table: keys and values are bytes, and numbers in keys have their most significant byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(&'static str);

impl Name {
    /// What belongs to a commit as a whole.
    pub const RECORD: Name = Name("record");
    /// The head, in pieces; see `whole`.
    pub const HEAD: Name = Name("head");
    /// Blobs of rows.
    pub const BLOBS: Name = Name("blobs");
    /// What is known of each blob without reading it.
    pub const DIRECTORY: Name = Name("directory");
    /// The runs that blobs belong to.
    pub const RUNS: Name = Name("runs");
    /// The positions, in pieces.
    pub const POSITIONS: Name = Name("positions");
    /// The ids of alerts.
    pub const IDS: Name = Name("ids");
    /// Alerts that their sinks have not accepted.
    pub const OUTBOX: Name = Name("outbox");
    /// What has come of trying to send them.
    pub const TRIES: Name = Name("tries");
    /// How much waits for each sink.
    pub const LANES: Name = Name("lanes");
    /// Alerts that have been given up.
    pub const DEAD: Name = Name("dead");
    /// What routing keeps.
    pub const ROUTING: Name = Name("routing");
    /// What is kept for people to look at.
    pub const ARCHIVE: Name = Name("archive");
    /// By what it is looked for.
    pub const ARCHIVE_TERMS: Name = Name("archive_terms");

    /// All of them.
    pub const ALL: [Name; 14] = [
        Name::RECORD,
        Name::HEAD,
        Name::BLOBS,
        Name::DIRECTORY,
        Name::RUNS,
        Name::POSITIONS,
        Name::IDS,
        Name::OUTBOX,
        Name::TRIES,
        Name::LANES,
        Name::DEAD,
        Name::ROUTING,
        Name::ARCHIVE,
        Name::ARCHIVE_TERMS,
    ];

    fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(self.0)
    }

    /// Takes a sealed value of this table apart.
    pub fn unseal<'a>(self, file: &StateFile, key: &[u8], value: &'a [u8]) -> Result<Reader<'a>, StoreError> {
        Reader::unseal(self.0, key, value).ok_or_else(|| self.damaged(file, key, "does not fit its checksum"))
    }

    /// The error for something that is wrong with a value of this table.
    pub fn damaged(self, file: &StateFile, key: &[u8], what: &str) -> StoreError {
        let key = match key.first_chunk() {
            Some(number) if key.len() == 8 => format!("{}", u64::from_be_bytes(*number)),
            _ => format!("{:?}", String::from_utf8_lossy(key)),
        };
        StoreError::damaged(file.path(), format!("in table `{}`, what is kept for {key} {what}", self.0))
    }

    /// The error for a table whose values are pieces of something that is wrong.
    pub fn damaged_whole(self, file: &StateFile) -> StoreError {
        let text = format!("what is kept in table `{}` does not fit its checksum", self.0);
        StoreError::damaged(file.path(), text)
    }
}

/// The error that one of redb stands for.
fn wrong(file: &StateFile, error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(source) => {
            if let Some(what) = damage(source.kind(), &source.to_string()) {
                return StoreError::damaged(file.path(), what);
            }
            let doing = match file.failure() {
                Some(StoreError::Disk { doing, .. }) => doing,
                _ => "use",
            };
            StoreError::Disk { doing, path: file.path().to_path_buf(), error: source }
        }
        redb::Error::DatabaseClosed => StoreError::Ended { file: file.path().to_path_buf() },
        // These come after another error, of which only the file knows.
        error @ (redb::Error::PreviousIo | redb::Error::LockPoisoned(_)) => {
            file.failure().unwrap_or_else(|| StoreError::damaged(file.path(), error.to_string()))
        }
        error => StoreError::damaged(file.path(), error.to_string()),
    }
}

/// Asks redb for something.
fn ask<T, E: Into<redb::Error>>(
    file: &StateFile,
    question: impl FnOnce() -> Result<T, E>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(question)) {
        Ok(answer) => answer.map_err(|error| wrong(file, error)),
        Err(_) => Err(StoreError::damaged(file.path(), "the database in it cannot be used")),
    }
}

/// An open database.
#[derive(Debug)]
pub struct Tables {
    /// There until the end.
    database: Option<Database>,
    file: Arc<StateFile>,
}

impl Tables {
    /// Opens the database in a file; in an empty one it makes one. If it is to be checked, every page of
    /// it is held against its checksum; without that, only what is read later is.
    pub fn open(file: Arc<StateFile>, cache: usize, is_checked: bool) -> Result<Tables, StoreError> {
        let mut builder = Builder::new();
        builder.set_cache_size(cache).set_check_integrity_on_open(is_checked);
        let backend = Backend(Arc::clone(&file));
        let database = ask(&file, || builder.create_with_backend(backend))?;
        Ok(Tables { database: Some(database), file })
    }

    /// The state of the last commit, which stays as it is.
    pub fn view(&self) -> Result<View, StoreError> {
        let transaction = ask(&self.file, || self.database().begin_read())?;
        Ok(View { transaction, file: Arc::clone(&self.file) })
    }

    /// Begins to change it.
    pub fn edit(&self) -> Result<Edit, StoreError> {
        let transaction = ask(&self.file, || {
            let mut transaction = self.database().begin_write()?;
            // After a crash nothing has to be repaired, and the newest commit is known for sure.
            transaction.set_quick_repair(true);
            Ok::<_, redb::TransactionError>(transaction)
        })?;
        Ok(Edit { transaction: Some(transaction), file: Arc::clone(&self.file) })
    }

    fn database(&self) -> &Database {
        self.database.as_ref().expect("it is taken at the end only")
    }

    /// Its file.
    pub fn file(&self) -> &Arc<StateFile> {
        &self.file
    }

    /// Closes it.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let database = self.database.take();
        ask(&self.file, || database.map_or(Ok(()), Database::close))
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // What was committed is kept, whether it can be closed or not.
        let _ = self.end();
    }
}

/// A state that is only read.
pub struct View {
    transaction: ReadTransaction,
    file: Arc<StateFile>,
}

impl View {
    /// Its file.
    pub fn file(&self) -> &Arc<StateFile> {
        &self.file
    }

    /// What use makes of the value of a key; `None` when there is no such key.
    pub fn get<T>(
        &self,
        table: Name,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let found = ask(&self.file, || {
            let table = self.transaction.open_table(table.definition())?;
            Ok::<_, redb::Error>(table.get(key)?)
        })?;
        let Some(found) = found else { return Ok(None) };
        let value = ask(&self.file, || Ok::<_, StorageError>(found.value()))?;
        read(value).map(Some)
    }

    /// Goes over the keys from one on, in order, as long as `each` says so.
    pub fn scan(
        &self,
        table: Name,
        from: Bound<&[u8]>,
        each: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.go_over(table, (from, Bound::Unbounded), redb::Range::next, each)
    }

    /// Goes over the keys down from one, as long as `each` says so.
    pub fn scan_back(
        &self,
        table: Name,
        from: Bound<&[u8]>,
        each: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.go_over(table, (Bound::Unbounded, from), redb::Range::next_back, each)
    }

    fn go_over(
        &self,
        table: Name,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        next: impl Fn(&mut Entries) -> Option<redb::Result<Found, StorageError>>,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut entries = ask(&self.file, || {
            let table = self.transaction.open_table(table.definition())?;
            Ok::<_, redb::Error>(table.range::<&[u8]>(range)?)
        })?;
        while let Some((key, value)) = ask(&self.file, || next(&mut entries).transpose())? {
            let (key, value) = ask(&self.file, || Ok::<_, StorageError>((key.value(), value.value())))?;
            if !each(key, value)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether there is a table: a store that an older version has made may have none of that name.
    pub fn has(&self, name: Name) -> Result<bool, StoreError> {
        ask(&self.file, || match self.transaction.open_table(name.definition()) {
            Err(TableError::TableDoesNotExist(_)) => Ok(false),
            opened => opened.map(|_| true),
        })
    }
}

/// The keys and values of a range, each as the database hands it out.
type Entries = redb::Range<'static, Bytes, Bytes>;
type Found = (AccessGuard<'static, Bytes>, AccessGuard<'static, Bytes>);

/// Rows as they were written, with their keys.
pub type KeptRows = Vec<(Vec<u8>, Vec<u8>)>;

impl View {
    /// What routing keeps.
    pub fn routing(&self) -> Result<KeptRows, StoreError> {
        let (name, mut rows) = (Name::ROUTING, Vec::new());
        if self.has(name)? {
            self.scan(name, Bound::Unbounded, |key, value| {
                rows.push((key.to_vec(), name.unseal(&self.file, key, value)?.rest().to_vec()));
                Ok(true)
            })?;
        }
        Ok(rows)
    }
}

/// A change under way. Dropped, it has not been.
pub struct Edit {
    /// There until the end.
    transaction: Option<WriteTransaction>,
    file: Arc<StateFile>,
}

impl Edit {
    /// A table to be changed. Each can be open once.
    pub fn table(&self, name: Name) -> Result<TableEdit<'_>, StoreError> {
        let transaction = self.transaction.as_ref().expect("it is taken at the end only");
        let table = ask(&self.file, || transaction.open_table(name.definition()))?;
        Ok(TableEdit { table: Some(table), name, file: &self.file })
    }

    /// Makes the change durable. After an error it may be, whole, or may not.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let transaction = self.transaction.take();
        ask(&self.file, || transaction.map_or(Ok(()), WriteTransaction::commit))
    }
}

impl Drop for Edit {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            // Whatever comes of it, nothing of it counts.
            let _ = ask(&self.file, || transaction.abort());
        }
    }
}

/// A table that is being changed.
pub struct TableEdit<'t> {
    /// There until the end.
    table: Option<Table<'t, Bytes, Bytes>>,
    name: Name,
    file: &'t StateFile,
}

impl<'t> TableEdit<'t> {
    /// Keeps a value as it is.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let file = self.file;
        let table = self.table();
        ask(file, || table.insert(key, value).map(drop))
    }

    /// Keeps a value with a checksum.
    pub fn seal(&mut self, key: &[u8], value: Writer) -> Result<(), StoreError> {
        let sealed = value.seal(self.name.0, key);
        self.insert(key, &sealed)
    }

    /// What use makes of the value of a key that was sealed; `None` when there is no such key.
    pub fn unseal<T>(
        &self,
        key: &[u8],
        read: impl FnOnce(Reader<'_>) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(table) = &self.table else { return Ok(None) };
        let Some(found) = ask(self.file, || table.get(key))? else { return Ok(None) };
        let value = ask(self.file, || Ok::<_, StorageError>(found.value()))?;
        let reader = self.name.unseal(self.file, key, value)?;
        read(reader).map(Some).ok_or_else(|| self.strange(key))
    }

    /// Forgets a key; whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> Result<bool, StoreError> {
        let file = self.file;
        let table = self.table();
        ask(file, || table.remove(key).map(|value| value.is_some()))
    }

    /// Forgets all keys.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let file = self.file;
        let table = self.table();
        ask(file, || table.retain(|_, _| false))
    }

    /// The first key.
    pub fn first(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(table) = &self.table else { return Ok(None) };
        ask(self.file, || {
            let first = table.first()?;
            Ok::<_, StorageError>(first.map(|(key, _)| key.value().to_vec()))
        })
    }

    /// The error for a value that is not what it should be.
    pub fn strange(&self, key: &[u8]) -> StoreError {
        self.name.damaged(self.file, key, STRANGE)
    }

    /// The first key behind another.
    pub fn first_behind(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(table) = &self.table else { return Ok(None) };
        ask(self.file, || {
            let mut behind = table.range::<&[u8]>((Bound::Excluded(key), Bound::Unbounded))?;
            let first = behind.next().transpose()?;
            Ok::<_, StorageError>(first.map(|(key, _)| key.value().to_vec()))
        })
    }

    fn table(&mut self) -> &mut Table<'t, Bytes, Bytes> {
        self.table.as_mut().expect("it is taken at the end only")
    }
}

impl Drop for TableEdit<'_> {
    fn drop(&mut self) {
        let table = self.table.take();
        // If this goes wrong, so does the commit.
        let _ = ask(self.file, || {
            drop(table);
            Ok::<_, StorageError>(())
        });
    }
}
