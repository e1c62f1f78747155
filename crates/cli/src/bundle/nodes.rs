//! The complete subtrees of a tree in a temporary file without a name: 64 bytes for each record. A
//! subtree stands where it was completed, so its place follows from its level and number.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

use faramesh_dpr::Hash;
use faramesh_verify::{Nodes, leaf, node};

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// A tree whose nodes are in a file.
#[derive(Debug)]
pub struct NodeFile {
    file: File,
    out: RefCell<BufWriter<File>>,
    size: u64,
    /// The roots of the complete subtrees, from the largest to the smallest.
    subtrees: Vec<Hash>,
    /// The node that was read last on each level: neighbours have most of their proofs in common.
    last: RefCell<[Option<(u64, Hash)>; 64]>,
}

impl NodeFile {
    /// An empty tree; the file is gone when this is dropped.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub fn new() -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        let out = RefCell::new(BufWriter::with_capacity(WRITE_BYTES, file.try_clone()?));
        Ok(Self { file, out, size: 0, subtrees: Vec::new(), last: RefCell::new([None; 64]) })
    }

    /// Appends the leaf of a record's hash.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, record: &Hash) -> io::Result<()> {
        let mut root = leaf(record);
        let out = self.out.get_mut();
        out.write_all(&root)?;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.subtrees.pop() else { break };
            root = node(&left, &root);
            out.write_all(&root)?;
        }
        self.subtrees.push(root);
        self.size += 1;
        Ok(())
    }
}

/// Where a subtree stands, in nodes from the beginning: behind all that was complete before its last leaf,
/// and behind the smaller subtrees that end with it.
fn place(level: u32, index: u64) -> Option<u64> {
    let last_leaf = (index.checked_add(1)?.checked_shl(level)?).checked_sub(1)?;
    let before = last_leaf.checked_mul(2)?.checked_sub(u64::from(last_leaf.count_ones()))?;
    before.checked_add(u64::from(level))
}

impl Nodes for NodeFile {
    type Error = io::Error;

    fn subtree(&self, level: u32, index: u64) -> io::Result<Hash> {
        let slot = usize::try_from(level).unwrap_or(usize::MAX);
        if let Some(Some((known, hash))) = self.last.borrow().get(slot)
            && *known == index
        {
            return Ok(*hash);
        }
        self.out.borrow_mut().flush()?;
        let mut hash = [0; 32];
        let place = place(level, index).and_then(|place| place.checked_mul(32));
        self.file.read_exact_at(&mut hash, place.ok_or(io::ErrorKind::InvalidInput)?)?;
        if let Some(last) = self.last.borrow_mut().get_mut(slot) {
            *last = Some((index, hash));
        }
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use faramesh_dpr::hash_of;
    use faramesh_verify::{Tree, inclusion};

    use super::*;

    #[test]
    fn every_proof_is_that_of_the_tree_in_memory() {
        let (mut file, mut tree) = (NodeFile::new().unwrap(), Tree::default());
        for size in 1_u64..70 {
            let record = hash_of(&size.to_be_bytes());
            file.append(&record).unwrap();
            tree.append(&record);
            for index in 0..size {
                let Ok(expected) = inclusion(&tree, index, size);
                assert_eq!(inclusion(&file, index, size).unwrap(), expected, "{index} in {size}");
            }
        }
    }
}
