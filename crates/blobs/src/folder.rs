//! Blobs in a folder: each is a file, two folders deep by its id. What is being written is beside them, in a folder of
//! its own on the same file system, and is moved to its place when it is whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use chat::FileId;

use crate::{Blobs, Error, Reading, Result, Work, Writing};

/// The folder of what is being written.
const UNFINISHED: &str = "unfinished";
/// The space that is kept free for the database at least, in bytes; of a small disk a twentieth, if that is less.
const RESERVE: u64 = 512 << 20;
/// Bytes that are read at once where it is not said how many.
pub(crate) const BLOCK: usize = 128 << 10;
/// The file whose content tells one folder from another.
const TOKEN: &str = "token";

/// A folder with blobs.
#[derive(Clone, Debug)]
pub struct Folder {
    root: Arc<PathBuf>,
}

impl Folder {
    /// The folder at this path. It is made when something is first written.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: Arc::new(root.to_owned()) }
    }

    /// The path of a blob.
    #[must_use]
    pub fn path_of(&self, id: FileId) -> PathBuf {
        let name = id.to_string();
        self.root.join(&name[..2]).join(&name[2..4]).join(&name)
    }

    /// Brings a blob into another folder, unless it is there: as one more name of the same bytes if both are on one file
    /// system, else as a copy, which is on the disk when this returns. A blob never changes, so that both may share it.
    ///
    /// # Errors
    /// `NotFound` if there is no such blob; what keeps it from being read or written.
    pub fn bring(&self, id: FileId, to: &Self) -> Result<()> {
        let (from, place) = (self.path_of(id), to.path_of(id));
        if place.exists() {
            return Ok(());
        }
        let mut source = File::open(&from)?;
        to.make_place(&place)?;
        match fs::hard_link(&from, &place) {
            Ok(()) => Ok(File::open(place.parent().ok_or(Error::NotFound)?)?.sync_all()?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // Another file system, or one that has no links.
            Err(_) => {
                let mut copy = to.begin_now(id)?;
                io::copy(&mut source, copy.file.as_mut().ok_or(Error::NotFound)?)?;
                copy.finish()
            }
        }
    }

    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// `NotFound` if there is no such blob.
    pub fn size_of(&self, id: FileId) -> Result<u64> {
        Ok(fs::metadata(self.path_of(id))?.len())
    }

    /// A text that this folder has and no other: nodes that read the same one have the same folder. It is made if it is
    /// not there and `make` says so; absent if it is not there then.
    ///
    /// # Errors
    /// What keeps it from being read or written.
    pub fn token(&self, make: bool) -> Result<Option<String>> {
        let path = self.root.join(TOKEN);
        match fs::read_to_string(&path) {
            Ok(token) => return Ok(Some(token)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Err(_) if !make => return Ok(None),
            Err(_) => {}
        }
        make_folder(&self.root)?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| Error::Unavailable(error.to_string()))?;
        let token = FileId::of(random).to_string();
        let aside = self.root.join(format!("{TOKEN}.{token}"));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(token.as_bytes())?;
        file.sync_all()?;
        // A link, because it fails where another node was first.
        let linked = fs::hard_link(&aside, &path);
        fs::remove_file(&aside)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
            _ => Ok(Some(fs::read_to_string(&path)?)),
        }
    }

    /// Makes the folders in which a blob has its place.
    fn make_place(&self, place: &Path) -> Result<()> {
        let inner = place.parent().ok_or(Error::NotFound)?;
        make_folder(&self.root)?;
        make_folder(inner.parent().ok_or(Error::NotFound)?)?;
        make_folder(inner)
    }

    /// Opens a new file for a blob that is being written.
    pub(crate) fn begin_now(&self, id: FileId) -> Result<Unfinished> {
        let folder = self.root.join(UNFINISHED);
        make_folder(&self.root)?;
        make_folder(&folder)?;
        if !has_room(&folder)? {
            return Err(Error::Full);
        }
        // One that is begun again while what a crash has left of it is still there is another.
        let path = folder.join(format!("{id}.{:016x}", nonce()?));
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Unfinished { file: Some(file), path, place: self.path_of(id) })
    }

    fn list_now(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Result<Vec<FileId>> {
        let first = after.map(|id| id.to_string()).unwrap_or_default();
        let mut found = Vec::new();
        for outer in folders(&self.root, &first, 0..2)? {
            let inner_first = if first.starts_with(&name_of(&outer)) { first.as_str() } else { "" };
            for inner in folders(&outer, inner_first, 2..4)? {
                let mut blobs = blobs_in(&inner, after, older_than)?;
                blobs.sort_unstable();
                found.append(&mut blobs);
                if found.len() >= limit {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    fn sweep_now(&self, older_than: Duration) -> Result<usize> {
        let mut swept = 0;
        for entry in entries(&self.root.join(UNFINISHED))? {
            if is_older(&entry, older_than) {
                fs::remove_file(entry.path())?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

impl Blobs for Folder {
    fn begin(&self, id: FileId) -> Work<'_, Box<dyn Writing>> {
        let folder = self.clone();
        Box::pin(async move { Ok(Box::new(Writer::new(blocking(move || folder.begin_now(id)).await?)) as _) })
    }

    fn open(&self, id: FileId) -> Work<'_, Box<dyn Reading>> {
        let path = self.path_of(id);
        Box::pin(async move {
            let open = move || {
                let file = File::open(path)?;
                let size = file.metadata()?.len();
                Ok(Reader { file: Arc::new(file), size })
            };
            Ok(Box::new(blocking(open).await?) as _)
        })
    }

    fn remove(&self, id: FileId) -> Work<'_, ()> {
        let path = self.path_of(id);
        Box::pin(blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }))
    }

    fn list(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Work<'_, Vec<FileId>> {
        let folder = self.clone();
        Box::pin(blocking(move || folder.list_now(after, older_than, limit)))
    }

    fn sweep_unfinished(&self, older_than: Duration) -> Work<'_, usize> {
        let folder = self.clone();
        Box::pin(blocking(move || folder.sweep_now(older_than)))
    }
}

/// A file that is being written; removed when it is dropped, unless it was moved to its place.
pub(crate) struct Unfinished {
    file: Option<File>,
    path: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    /// Its file, for reading.
    pub(crate) fn handle(&self) -> Result<File> {
        Ok(self.file.as_ref().ok_or(Error::NotFound)?.try_clone()?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().ok_or(Error::NotFound)?;
        Ok(file.write_all(bytes)?)
    }

    /// Moves the file to its place. First its bytes are on the disk, then its name, then those of new folders.
    fn finish(mut self) -> Result<()> {
        let file = self.file.take().ok_or(Error::NotFound)?;
        let moved = self.put_in_place(&file);
        if moved.is_err() {
            self.file = Some(file);
        }
        moved
    }

    fn put_in_place(&self, file: &File) -> Result<()> {
        file.sync_all()?;
        let inner = self.place.parent().ok_or(Error::NotFound)?;
        make_folder(inner.parent().ok_or(Error::NotFound)?)?;
        make_folder(inner)?;
        fs::rename(&self.path, &self.place)?;
        File::open(inner)?.sync_all()?;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // If it cannot be removed, it is swept later.
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// Empty while a write is under way; if that fails, or its caller goes away, the file is removed.
pub(crate) struct Writer(Option<Unfinished>);

impl Writer {
    pub(crate) fn new(unfinished: Unfinished) -> Self {
        Self(Some(unfinished))
    }

    /// The written file, which is not removed before it is dropped.
    pub(crate) fn take(&mut self) -> Result<Unfinished> {
        self.0.take().ok_or(Error::NotFound)
    }
}

impl Writing for Writer {
    fn write(&mut self, bytes: Vec<u8>) -> Work<'_, ()> {
        Box::pin(async move {
            let mut unfinished = self.take()?;
            let written = move || {
                unfinished.write(&bytes)?;
                Ok(unfinished)
            };
            self.0 = Some(blocking(written).await?);
            Ok(())
        })
    }

    fn written(&mut self) -> Work<'_, Box<dyn Reading>> {
        Box::pin(async move {
            let file = self.0.as_ref().ok_or(Error::NotFound)?.handle()?;
            let size = file.metadata()?.len();
            Ok(Box::new(Reader { file: Arc::new(file), size }) as _)
        })
    }

    fn finish(mut self: Box<Self>) -> Work<'static, ()> {
        Box::pin(async move {
            let unfinished = self.take()?;
            blocking(move || unfinished.finish()).await
        })
    }
}

struct Reader {
    file: Arc<File>,
    size: u64,
}

impl Reading for Reader {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, from: u64, most: usize) -> Work<'_, Vec<u8>> {
        let (file, left) = (self.file.clone(), self.size.saturating_sub(from));
        let mut bytes = vec![0; most.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let read = read_from_memory(&file, from, &mut bytes);
        if read == bytes.len() {
            return Box::pin(std::future::ready(Ok(bytes)));
        }
        Box::pin(blocking(move || Ok(read_on(&file, from, bytes, read)?)))
    }
}

/// Reads what the system has of these bytes in its memory, up to the first that it would have to fetch from the disk.
#[cfg(target_os = "linux")]
fn read_from_memory(file: &File, from: u64, bytes: &mut [u8]) -> usize {
    use rustix::io::{ReadWriteFlags, preadv2};
    // Some file systems do not know the flag; then all is read where waiting is allowed.
    preadv2(file, &mut [io::IoSliceMut::new(bytes)], from, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn read_from_memory(_file: &File, _from: u64, _bytes: &mut [u8]) -> usize {
    0
}

/// Reads so many bytes from this place on; fewer only at the end.
pub(crate) fn read_at(file: &File, from: u64, wanted: usize) -> io::Result<Vec<u8>> {
    read_on(file, from, vec![0; wanted], 0)
}

/// Fills up bytes of which the first ones are read.
fn read_on(file: &File, from: u64, mut bytes: Vec<u8>, mut read: usize) -> io::Result<Vec<u8>> {
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// A number that no other unfinished blob has.
fn nonce() -> Result<u64> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(u64::from_be_bytes(random))
}

/// Does what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Unavailable("the work was broken off".into())),
    }
}

/// Makes a folder for its owner only, if it is not there, and makes sure that it stays.
fn make_folder(path: &Path) -> Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the disk has more room than is kept for the database.
fn has_room(folder: &Path) -> Result<bool> {
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let (all, free) = (disk.f_blocks.saturating_mul(disk.f_frsize), disk.f_bavail.saturating_mul(disk.f_frsize));
    Ok(free > RESERVE.min(all / 20))
}

/// The entries of a folder; nothing if there is no such folder.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.collect::<io::Result<_>>()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The folders of blobs in a folder, in order, from that of `first` on, whose part of this id names it.
fn folders(folder: &Path, first: &str, part: std::ops::Range<usize>) -> Result<Vec<PathBuf>> {
    let from = first.get(part).unwrap_or_default();
    let is_one = |path: &PathBuf| {
        let name = name_of(path);
        name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) && *name >= *from
    };
    let mut found: Vec<PathBuf> = entries(folder)?.iter().map(fs::DirEntry::path).filter(is_one).collect();
    found.sort_unstable();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
}

fn blobs_in(folder: &Path, after: Option<FileId>, older_than: Duration) -> Result<Vec<FileId>> {
    let entries = entries(folder)?;
    let old = entries.iter().filter(|entry| is_older(entry, older_than));
    let ids = old.filter_map(|entry| FileId::parse(entry.file_name().to_str()?));
    Ok(ids.filter(|id| after.is_none_or(|after| *id > after)).collect())
}

/// Whether a file was last changed before so long ago; no if that cannot be told.
fn is_older(entry: &fs::DirEntry, age: Duration) -> bool {
    let changed = entry.metadata().and_then(|metadata| metadata.modified());
    changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|passed| passed >= age))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let mut random = [0; 8];
            getrandom::fill(&mut random).unwrap();
            let path = std::env::temp_dir().join(format!("palabre-blobs-{:016x}", u64::from_be_bytes(random)));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// All files in it.
        fn files(&self) -> Vec<PathBuf> {
            let (mut found, mut folders) = (Vec::new(), vec![self.0.clone()]);
            while let Some(folder) = folders.pop() {
                for entry in entries(&folder).unwrap() {
                    if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
                }
            }
            found
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(&self.0);
        }
    }

    fn id(first: u8, last: u8) -> FileId {
        let mut bits = [7; 16];
        (bits[0], bits[15]) = (first, last);
        FileId::of(bits)
    }

    async fn put(folder: &Folder, id: FileId, bytes: &[u8]) {
        let mut writing = folder.begin(id).await.unwrap();
        for piece in bytes.chunks(3) {
            writing.write(piece.to_vec()).await.unwrap();
        }
        writing.finish().await.unwrap();
    }

    #[tokio::test]
    async fn a_blob_is_read_in_pieces_as_it_was_written_until_it_is_removed() {
        let scratch = Scratch::new();
        let folder = Folder::at(&scratch.0.join("files"));
        put(&folder, id(1, 1), b"abcdefghij").await;
        let mut reading = folder.open(id(1, 1)).await.unwrap();
        assert_eq!(reading.size(), 10);
        assert_eq!(reading.read(2, 3).await.unwrap(), b"cde");
        assert_eq!(reading.read(8, 100).await.unwrap(), b"ij");
        assert_eq!(reading.read(11, 1).await.unwrap(), b"");
        folder.remove(id(1, 1)).await.unwrap();
        assert_eq!(reading.read(0, 1).await.unwrap(), b"a", "who has it open reads on");
        assert!(matches!(folder.open(id(1, 1)).await, Err(Error::NotFound)));
        folder.remove(id(1, 1)).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_can_be_read_of_what_is_not_finished_and_nothing_of_it_stays() {
        let scratch = Scratch::new();
        let folder = Folder::at(&scratch.0.join("files"));
        let mut writing = folder.begin(id(1, 1)).await.unwrap();
        writing.write(b"half".to_vec()).await.unwrap();
        assert!(matches!(folder.open(id(1, 1)).await, Err(Error::NotFound)));
        assert_eq!(scratch.files().len(), 1);
        drop(writing);
        assert_eq!(scratch.files(), [] as [PathBuf; 0]);
        // Remains of a crash are swept when they are old enough.
        std::mem::forget(folder.begin(id(1, 2)).await.unwrap());
        assert_eq!(folder.sweep_unfinished(Duration::from_secs(60)).await.unwrap(), 0);
        assert_eq!(folder.sweep_unfinished(Duration::ZERO).await.unwrap(), 1);
        assert_eq!(scratch.files(), [] as [PathBuf; 0]);
    }

    #[tokio::test]
    async fn what_is_being_written_can_be_looked_at_by_its_writer_alone() {
        let scratch = Scratch::new();
        let folder = Folder::at(&scratch.0.join("files"));
        let mut writing = folder.begin(id(1, 1)).await.unwrap();
        writing.write(b"half".to_vec()).await.unwrap();
        let mut written = writing.written().await.unwrap();
        assert_eq!((written.size(), written.read(1, 9).await.unwrap()), (4, b"alf".to_vec()));
        assert!(matches!(folder.open(id(1, 1)).await, Err(Error::NotFound)));
        writing.write(b" and half".to_vec()).await.unwrap();
        writing.finish().await.unwrap();
        assert_eq!(folder.open(id(1, 1)).await.unwrap().read(0, 99).await.unwrap(), b"half and half");
    }

    #[test]
    fn a_folder_has_a_token_that_no_other_has() {
        let scratch = Scratch::new();
        let (one, other) = (Folder::at(&scratch.0.join("one")), Folder::at(&scratch.0.join("other")));
        assert_eq!(one.token(false).unwrap(), None);
        let token = one.token(true).unwrap();
        assert_eq!((one.token(true).unwrap(), one.token(false).unwrap()), (token.clone(), token.clone()));
        assert!(token.is_some() && other.token(true).unwrap() != token);
        assert_eq!(scratch.files().len(), 2, "nothing is left beside them");
    }

    #[tokio::test]
    async fn a_blob_is_brought_into_another_folder_and_stays_there_when_it_is_removed_here() {
        let scratch = Scratch::new();
        let (one, other) = (Folder::at(&scratch.0.join("one")), Folder::at(&scratch.0.join("other")));
        put(&one, id(1, 1), b"abc").await;
        for _ in 0..2 {
            one.bring(id(1, 1), &other).unwrap();
        }
        assert!(matches!(one.bring(id(1, 2), &other), Err(Error::NotFound)));
        one.remove(id(1, 1)).await.unwrap();
        assert_eq!(other.size_of(id(1, 1)).unwrap(), 3);
        assert_eq!(other.open(id(1, 1)).await.unwrap().read(0, 9).await.unwrap(), b"abc");
        assert!(matches!(one.size_of(id(1, 1)), Err(Error::NotFound)));
    }

    #[tokio::test]
    async fn blobs_are_listed_page_by_page_in_the_order_of_their_ids() {
        let scratch = Scratch::new();
        let folder = Folder::at(&scratch.0.join("files"));
        assert_eq!(folder.list(None, Duration::ZERO, 10).await.unwrap(), []);
        let all = [id(1, 1), id(1, 2), id(1, 3), id(2, 1), id(9, 1), id(9, 2)];
        for one in all.iter().rev() {
            put(&folder, *one, b"x").await;
        }
        std::mem::forget(folder.begin(id(5, 5)).await.unwrap());
        let mut found = Vec::new();
        while let page = folder.list(found.last().copied(), Duration::ZERO, 2).await.unwrap()
            && !page.is_empty()
        {
            assert!(page.len() <= 2);
            found.extend(page);
        }
        assert_eq!(found, all);
        assert_eq!(folder.list(None, Duration::from_secs(60), 10).await.unwrap(), [], "all are young");
    }
}
