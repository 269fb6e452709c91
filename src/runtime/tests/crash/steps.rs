//! The steps of a life: what is sent, what the parts do, what goes wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as Wait;

use tokio::sync::mpsc;

use crate::source::positions::{Kind, Reached};

use super::book::{How, Record};
use super::life::{Life, Over};
use super::sinks::{Answer, Failure, SINKS};
use super::sources::{
    Command, Commands, FEED, SOURCES, TCP, Told, WEB, identity, post, read_connection, read_file,
};
use super::world::{File, Trouble, World};

impl World {
    /// One of all the things that can happen.
    ///
    /// # Errors
    /// When the service does not outlive it.
    pub async fn step(&mut self, life: &mut Life) -> Result<(), Over> {
        match self.random.size(37) {
            0..9 => self.send(life),
            9..14 => {
                let most = if self.random.percent(50) { usize::MAX } else { 1 + self.random.size(5) };
                life.work(most, &mut self.log);
            }
            14..18 => life.keep(&mut self.log)?,
            18..23 => self.store(life)?,
            23..27 => life.round()?,
            27..31 => self.answer(),
            31 => {
                let most = if self.lasting.rules.idle() { 8_000 } else { 2_000 };
                life.pass(Wait::from_millis(200 + self.random.below(most))).await;
                life.rest();
            }
            32 => self.change_connection(life),
            33 => self.fail(),
            34 => self.calm(),
            35 if self.random.percent(50) => self.crash_soon(40),
            35 => self.fail_while_storing(life)?,
            _ => self.save(life),
        }
        Ok(())
    }

    fn store(&mut self, life: &mut Life) -> Result<(), Over> {
        self.counts.failed_commits += u64::from(!life.store(&mut self.log)?);
        Ok(())
    }

    /// The power goes at one of the next operations.
    pub fn crash_soon(&mut self, within: u64) {
        if matches!(self.trouble, Trouble::Any) && self.random.percent(40) {
            let disk = &self.lasting.disk;
            disk.crash_at(disk.operations() + 1 + self.random.below(within));
        }
    }

    fn fail(&mut self) {
        let (disk, random) = (&self.lasting.disk, &mut self.random);
        let kind = random.size(6);
        if !matches!(self.trouble, Trouble::Any) {
            return;
        }
        match kind {
            0 => disk.fail_syncs(1 + random.below(3)),
            1 => disk.fail_writes(1 + random.below(3)),
            2 => disk.fail_by_chance([20, 200][random.size(2)]),
            3 => disk.set_capacity(Some(disk.used() + random.below(30_000))),
            4 => disk.set_read_only(true),
            _ => {
                let first = disk.operations() + 1 + random.below(30);
                disk.fail_at(first..first + 1 + random.below(3));
            }
        }
    }

    /// A few operations fail while a checkpoint is stored, and it is tried again.
    fn fail_while_storing(&mut self, life: &mut Life) -> Result<(), Over> {
        let first = self.lasting.disk.operations() + 1 + self.random.below(25);
        let count = 1 + self.random.below(3);
        if matches!(self.trouble, Trouble::Any) {
            self.lasting.disk.fail_at(first..first + count);
        }
        life.keep(&mut self.log)?;
        self.store(life)?;
        if self.random.percent(70) { self.store(life) } else { Ok(()) }
    }

    /// Nothing fails any more.
    pub fn calm(&self) {
        let disk = &self.lasting.disk;
        if matches!(self.trouble, Trouble::Any) {
            disk.crash_at(u64::MAX);
        }
        disk.fail_by_chance(0);
        disk.fail_syncs(0);
        disk.fail_writes(0);
        disk.set_read_only(false);
        disk.fail_at(0..0);
        disk.set_capacity(None);
    }

    /// Says what a sink does next.
    fn answer(&mut self) {
        let sink = SINKS[self.random.size(SINKS.len())];
        let count = self.random.size(4);
        let failures = [Failure::Unreachable, Failure::Overloaded, Failure::Broken, Failure::Refused];
        let answer = match self.random.size(10) {
            0..6 => Answer::Take(1 + count),
            6 => Answer::Lose(count),
            _ => Answer::Fail(count, failures[self.random.size(4)]),
        };
        self.lasting.outside.answer(sink, answer);
    }

    /// Lets the sources begin: files where they had come, others with their first connection.
    pub fn start_sources(&mut self, life: &mut Life) {
        let around = life.around.clone().expect("it has just begun");
        for place in 0..self.files.len() {
            let file = &self.files[place];
            let identity = identity(file.source, &life.program, &life.metrics);
            let stored = around.resume.files(SOURCES[file.source].0, SOURCES[file.source].1);
            let of_file = |kind: &Kind| matches!(kind, Kind::File(path) if **path == *Path::new(file.path));
            let stored = stored.into_iter().find(|stored| of_file(&stored.position.origin.kind));
            let reached = stored.as_ref().map(|stored| &stored.position);
            // One that has been read to its end is not read again.
            if reached.is_some_and(|position| !position.is_open) {
                continue;
            }
            let (piece, read) = file.found(reached.map(|position| &position.reached));
            let (commands, receiver) = mpsc::unbounded_channel();
            let path = (file.path, file.pieces[piece].0);
            life.tasks.spawn(read_file(around.clone(), identity, path, stored, receiver));
            let rest = file.pieces[piece].1[read..].to_vec();
            if !rest.is_empty() {
                order(&commands, Command::Bytes(rest));
            }
            for (number, content) in &file.pieces[piece + 1..] {
                order(&commands, Command::Next(*number));
                order(&commands, Command::Bytes(content.clone()));
            }
            if file.has_ended {
                order(&commands, Command::Close);
            }
            life.commands.push((file.source, place, commands));
        }
        if self.lasting.settings.sources.contains(&FEED) {
            self.connect(life, FEED);
        }
    }

    /// A record that has not been sent before.
    pub fn record(&mut self) -> Record {
        self.time = match self.lasting.rules.idle() {
            // Quiet partitions let time follow the clock.
            true => self.lasting.clock.millis() + self.random.below(300),
            false => self.time + self.random.below(1_200),
        };
        let early = if self.random.percent(60) { 0 } else { self.random.below(2_500) };
        let (key, m, v) = (self.random.below(3), self.random.below(2), self.random.below(10));
        let at = self.time.saturating_sub(early);
        let rest = format!("\"k\":\"k{key}\",\"m\":\"m{m}\",\"v\":{v},\"at\":{at}");
        let is_event = !self.random.percent(3);
        let rest = if is_event { rest } else { "\"k\":0".to_owned() };
        self.number(Record { n: 0, rest, is_event })
    }

    fn number(&mut self, record: Record) -> Record {
        self.next += 1;
        Record { n: self.next, ..record }
    }

    /// Records come from somewhere.
    fn send(&mut self, life: &mut Life) {
        let source = self.lasting.settings.sources[self.random.size(self.lasting.settings.sources.len())];
        let count = 1 + self.random.size(6);
        // Where there are few steps, each is to show more.
        let count = if matches!(self.trouble, Trouble::Any) { count } else { 3 * count };
        match source {
            TCP | FEED => self.send_over_connection(life, source, count),
            WEB => self.post(life, count),
            _ => self.write_file(life, source, count),
        }
    }

    /// While no service is there, files get other names, and something is written.
    pub fn write_meanwhile(&mut self) {
        for place in 0..self.files.len() {
            if self.files[place].has_ended || !self.random.percent(30) {
                continue;
            }
            let count = 1 + self.random.size(4);
            let records = (0..count).map(|_| self.record()).collect();
            self.files[place].rotates |= self.random.percent(60);
            self.append(None, place, records);
        }
    }

    fn write_file(&mut self, life: &Life, source: usize, count: usize) {
        let places: Vec<usize> =
            (0..self.files.len()).filter(|place| self.files[*place].source == source).collect();
        let place = places[self.random.size(places.len())];
        if self.files[place].has_ended {
            return;
        }
        let records: Vec<Record> = (0..count).map(|_| self.record()).collect();
        self.append(Some(life), place, records);
    }

    /// A file gets longer, a piece at a time.
    /// They are written to a file, while a service is there or not.
    pub fn append(&mut self, life: Option<&Life>, place: usize, records: Vec<Record>) {
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.line().into_bytes()).collect();
        let (now, later) = bytes.split_at(self.random.size(bytes.len() + 1));
        let file = &mut self.files[place];
        let is_next = std::mem::take(&mut file.rotates);
        if is_next {
            let (number, _) = file.pieces[file.pieces.len() - 1];
            file.pieces.push((number + 1, Vec::new()));
        }
        let (number, content) = file.pieces.last_mut().expect("there is one");
        content.extend_from_slice(&bytes);
        let mut book = self.lasting.book.lock().expect("no panic");
        let parcel = &mut book.parcels[file.parcel];
        parcel.sent.extend(records);
        parcel.promised = parcel.sent.len();
        drop(book);
        let Some(life) = life else { return };
        let reader = life.commands.iter().find(|(source, of, _)| *source == file.source && *of == place);
        let Some((_, _, commands)) = reader else { return };
        if is_next {
            order(commands, Command::Next(*number));
        }
        for piece in [now, later].into_iter().filter(|piece| !piece.is_empty()) {
            order(commands, Command::Bytes(piece.to_vec()));
        }
    }

    /// A file has come to its end.
    fn end_file(&mut self, life: &Life) {
        let count = self.files.len();
        let place = self.random.size(count);
        let Some(file) = self.files.get_mut(place).filter(|file| !file.has_ended) else { return };
        file.has_ended = true;
        let reader = life.commands.iter().find(|(source, of, _)| *source == file.source && *of == place);
        reader.iter().for_each(|(_, _, commands)| order(commands, Command::Close));
    }

    fn send_over_connection(&mut self, life: &mut Life, source: usize, count: usize) {
        let open: Vec<usize> =
            self.connections.iter().filter(|(of, _)| *of == source).map(|(_, parcel)| *parcel).collect();
        let parcel = match open.is_empty() {
            true => self.connect(life, source),
            false => open[self.random.size(open.len())],
        };
        let mut records: Vec<Record> = Vec::new();
        while records.len() < count
            && let Some(place) = self.again.iter().position(|(of, _)| *of == source)
        {
            let (_, record) = self.again.remove(place);
            records.push(self.number(record));
        }
        while records.len() < count {
            records.push(self.record());
        }
        self.say(life, source, parcel, records);
    }

    pub fn say(&mut self, life: &Life, source: usize, parcel: usize, records: Vec<Record>) {
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.line().into_bytes()).collect();
        self.lasting.book.lock().expect("no panic").parcels[parcel].sent.extend(records);
        let (now, later) = bytes.split_at(self.random.size(bytes.len() + 1));
        for piece in [now, later].into_iter().filter(|piece| !piece.is_empty()) {
            order(reader(life, source, parcel), Command::Bytes(piece.to_vec()));
        }
    }

    /// A client connects. Gives the parcel of what it sends.
    pub fn connect(&mut self, life: &mut Life, source: usize) -> usize {
        let around = life.around.clone().expect("it runs");
        let identity = identity(source, &life.program, &life.metrics);
        let kind = if source == FEED { Kind::Source } else { Kind::Connection("client".into()) };
        let book = Arc::clone(&self.lasting.book);
        let parcel = book.lock().expect("no panic").begin(How::Connection);
        let (commands, receiver) = mpsc::unbounded_channel();
        let told = Told { book, parcel };
        life.tasks.spawn(read_connection(around, identity, kind, told, receiver));
        life.commands.push((source, parcel, commands));
        self.connections.push((source, parcel));
        parcel
    }

    /// A client connects, or ends its connection.
    fn change_connection(&mut self, life: &mut Life) {
        if self.random.percent(10) {
            self.end_file(life);
        }
        if !self.files.is_empty() {
            let count = self.files.len();
            self.files[self.random.size(count)].rotates = true;
        }
        let sources = &self.lasting.settings.sources;
        let has = [TCP, FEED].map(|source| sources.contains(&source));
        match (has, self.random.size(3)) {
            ([true, _], 0) => drop(self.connect(life, TCP)),
            ([true, _], 1) => {
                let open = self.connections.iter().position(|(source, _)| *source == TCP);
                if let Some(place) = open {
                    self.disconnect(life, place);
                }
            }
            ([_, true], _) => {
                let open = self.connections.iter().find(|(source, _)| *source == FEED);
                if let Some((_, parcel)) = open {
                    let reader = reader(life, FEED, *parcel);
                    if self.random.percent(50) {
                        // What was cut off is sent again as a whole by nobody.
                        order(reader, Command::Bytes(b"{\"n\":".to_vec()));
                    }
                    order(reader, Command::Reconnect);
                }
            }
            _ => {}
        }
    }

    /// A client says goodbye, and does not care what it was not told.
    pub fn disconnect(&mut self, life: &mut Life, place: usize) {
        let (source, parcel) = self.connections.remove(place);
        order(reader(life, source, parcel), Command::Close);
        life.commands.retain(|(of, which, _)| (*of, *which) != (source, parcel));
    }

    fn post(&mut self, life: &mut Life, count: usize) {
        let records: Vec<Record> = (0..count).map(|_| self.record()).collect();
        let body: String = records.iter().map(Record::line).collect();
        let book = Arc::clone(&self.lasting.book);
        let parcel = {
            let mut book = book.lock().expect("no panic");
            let parcel = book.begin(How::Body);
            book.parcels[parcel].sent = records;
            parcel
        };
        let Some(intake) = life.intake.clone() else { return };
        let wait = Wait::from_millis(self.random.below(300));
        life.tasks.spawn(post(intake, body, wait, Told { book, parcel }));
    }
}

impl File {
    /// Which of the files is read on, and from where: the one that was read, by whatever name it goes now.
    fn found(&self, reached: Option<&Reached>) -> (usize, usize) {
        let Some(reached) = reached else { return (0, 0) };
        let current = reached.file.as_ref().and_then(|file| file.current);
        let Some(current) = current else {
            assert_eq!(reached.offset, 0, "something was read of no file");
            return (0, 0);
        };
        let place = self.pieces.iter().position(|(number, _)| *number == current.file.inode);
        let place = place.expect("it was there");
        let read = usize::try_from(current.read).expect("it is small");
        assert!(read <= self.pieces[place].1.len(), "no more is read than there is: {reached:?}");
        let before: usize = self.pieces[..place].iter().map(|(_, content)| content.len()).sum();
        assert_eq!(reached.offset, (before + read) as u64, "{reached:?}");
        (place, read)
    }
}

fn order(commands: &Commands, command: Command) {
    // A reader whose engine is gone has ended.
    let _ = commands.send(command);
}

fn reader(life: &Life, source: usize, parcel: usize) -> &Commands {
    let found = life.commands.iter().find(|(of, which, _)| *of == source && *which == parcel);
    &found.expect("it is open").2
}
