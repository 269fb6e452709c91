//! Many texts in one piece of memory.

/// Texts one after the other: four bytes more than their letters each.
#[derive(Debug, Default)]
pub(super) struct Texts {
    letters: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

impl Texts {
    /// Adds a text.
    ///
    /// # Panics
    /// When all texts together reach 4 GiB, which the bound on files keeps them from.
    pub fn push(&mut self, text: &str) {
        self.letters.push_str(text);
        self.ends.push(u32::try_from(self.letters.len()).expect("files are smaller than 4 GiB"));
    }

    /// The text that was added as that one, counted from 0.
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[start as usize..self.ends[index] as usize]
    }

    /// Gives back the memory that was set aside for more.
    pub fn settle(&mut self) {
        self.letters.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The memory that they take, in bytes.
    pub fn size(&self) -> usize {
        self.letters.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}
