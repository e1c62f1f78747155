//! The Merkle tree of RFC 6962 over the hashes of records. [`Frontier`] is the tree of whoever only
//! appends: the roots of its complete subtrees, at most 64. [`Tree`] keeps every complete subtree, so
//! that proofs can be made of it; [`Nodes`] is whatever has those stored.
//!
//! INVARIANT domains: a leaf is hashed behind the byte 0, a node behind the byte 1, so that no leaf
//! can pass for a node.

use std::convert::Infallible;

use faramesh_dpr::{Hash, hash_of_blocks};

/// The root of the tree without leaves: the hash of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The leaf of a record: SHA-256 of 0 and the record's hash.
#[must_use]
pub fn leaf(record: &Hash) -> Hash {
    // All of it is one block: 33 bytes, the mark of their end, and their length in bits.
    let mut block = [0; 64];
    if let Some(place) = block.get_mut(1..33) {
        place.copy_from_slice(record);
    }
    [block[33], block[62], block[63]] = [0x80, 1, 8];
    hash_of_blocks(&[block])
}

/// The node above two subtrees: SHA-256 of 1 and both roots.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    // 65 bytes, the mark of their end, and their length in bits.
    let mut bytes = [0; 128];
    let [domain, rest @ ..] = &mut bytes;
    *domain = 1;
    let (first, rest) = rest.split_at_mut(32);
    first.copy_from_slice(left);
    let (second, _) = rest.split_at_mut(32);
    second.copy_from_slice(right);
    [bytes[65], bytes[126], bytes[127]] = [0x80, 2, 8];
    hash_of_blocks(bytes.as_chunks().0)
}

/// Where the roots of complete subtrees are found.
pub trait Nodes {
    /// Why one could not be read.
    type Error;

    /// The root over the 2^`level` leaves from leaf `index` · 2^`level` on, all of which exist.
    ///
    /// # Errors
    /// It could not be read.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root over the leaves from `start` up to `end`, where `start` is a multiple of the largest power
/// of two that is not larger than their number (as in every step of RFC 6962). Reads at most 64 nodes.
///
/// # Errors
/// A node could not be read.
pub fn range_root<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let mut pieces = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        pieces.push(nodes.subtree(level, at >> level)?);
        at += 1 << level;
    }
    Ok(fold(pieces.iter().rev()))
}

/// The root above complete subtrees, given from right to left.
fn fold<'a>(mut subtrees: impl Iterator<Item = &'a Hash>) -> Hash {
    let Some(last) = subtrees.next() else { return EMPTY_ROOT };
    subtrees.fold(*last, |right, left| node(left, &right))
}

/// A tree that is only appended to: its size and the roots of its complete subtrees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the largest subtree to the smallest: one for each bit of the size.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Appends the leaf of a record's hash.
    pub fn append(&mut self, record: &Hash) {
        self.append_leaf(leaf(record));
    }

    /// Appends a [`leaf`].
    pub fn append_leaf(&mut self, leaf: Hash) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.subtrees.pop() else { break };
            root = node(&left, &root);
        }
        self.subtrees.push(root);
        self.size = self.size.saturating_add(1);
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, from the largest to the smallest.
    #[must_use]
    pub(crate) fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// A tree of that size with those subtrees; `None` when so many do not make one.
    pub(crate) fn from_subtrees(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        (u32::try_from(subtrees.len()).ok()? == size.count_ones()).then_some(Self { size, subtrees })
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(self.subtrees.iter().rev())
    }
}

/// A tree that was at one size and grows: enough to prove that the old one is the beginning of the new
/// one, in 32 bytes for each leaf since.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    old: Frontier,
    since: Vec<Hash>,
}

impl Growth {
    /// Appends the leaf of a record's hash.
    pub fn append(&mut self, record: &Hash) {
        self.since.push(leaf(record));
    }

    /// Moves the old size forwards, to `size` or to where the tree is now.
    pub fn settle(&mut self, size: u64) {
        let count = usize::try_from(size.saturating_sub(self.old.size())).unwrap_or(usize::MAX);
        for leaf in self.since.drain(..count.min(self.since.len())) {
            self.old.append_leaf(leaf);
        }
    }

    /// The old size.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old.size()
    }

    /// How many leaves there are now.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.old.size().saturating_add(u64::try_from(self.since.len()).unwrap_or(u64::MAX))
    }

    /// The proof that the old tree is the beginning of the one with `new` leaves, which must not be more
    /// than there are.
    #[must_use]
    pub fn proof(&self, new: u64) -> Vec<Hash> {
        let Ok(proof) = crate::proof::consistency(self, self.old.size(), new);
        proof
    }

    /// The root over the first `size` leaves; `size` must not be below the old one.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Hash {
        let mut tree = self.old.clone();
        let count = usize::try_from(size.saturating_sub(self.old.size())).unwrap_or(usize::MAX);
        self.since.iter().take(count).for_each(|leaf| tree.append_leaf(*leaf));
        tree.root()
    }
}

impl Nodes for Growth {
    type Error = Infallible;

    /// A proof reads complete subtrees of the old tree, or of what came since, and none across.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let (start, length) = (index << level, 1_u64 << level);
        let old = self.old.size();
        if start < old {
            let (mut at, mut rest) = (0, old);
            for root in &self.old.subtrees {
                let piece = 1 << rest.ilog2();
                if (at, piece) == (start, length) {
                    return Ok(*root);
                }
                (at, rest) = (at + piece, rest - piece);
            }
            // A node that does not exist is nobody's root, so a proof with it never verifies.
            return Ok(Hash::default());
        }
        let place = usize::try_from(start - old).unwrap_or(usize::MAX);
        let count = usize::try_from(length).unwrap_or(usize::MAX);
        let leaves = place.checked_add(count).and_then(|end| self.since.get(place..end));
        let mut tree = Frontier::default();
        leaves.unwrap_or_default().iter().for_each(|leaf| tree.append_leaf(*leaf));
        Ok(tree.root())
    }
}

/// A tree in memory with all of its complete subtrees: about 64 bytes for each leaf.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Appends the leaf of a record's hash.
    pub fn append(&mut self, record: &Hash) {
        let mut root = leaf(record);
        let mut level = 0;
        loop {
            if self.levels.len() <= level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return };
            let left = nodes.last().copied();
            nodes.push(root);
            match left {
                Some(left) if nodes.len().is_multiple_of(2) => root = node(&left, &root),
                _ => return,
            }
            level += 1;
        }
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(u64::MAX))
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let Ok(root) = range_root(self, 0, self.size());
        root
    }
}

impl Nodes for Tree {
    type Error = Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let level = usize::try_from(level).ok().and_then(|level| self.levels.get(level));
        let node = usize::try_from(index).ok().and_then(|index| level?.get(index));
        // A node that does not exist is nobody's root, so a proof with it never verifies.
        Ok(node.copied().unwrap_or_default())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// RFC 6962, section 2.1, word by word.
    pub(crate) fn naive_root(records: &[Hash]) -> Hash {
        match records {
            [] => Sha256::digest(b"").into(),
            [record] => leaf(record),
            _ => {
                let (left, right) = records.split_at(split(records.len()));
                node(&naive_root(left), &naive_root(right))
            }
        }
    }

    pub(crate) fn wide(size: usize) -> u64 {
        u64::try_from(size).unwrap()
    }

    pub(crate) fn split(size: usize) -> usize {
        let mut power = 1;
        while power * 2 < size {
            power *= 2;
        }
        power
    }

    pub(crate) fn records(count: usize) -> Vec<Hash> {
        (0..count).map(|place| Sha256::digest(place.to_be_bytes()).into()).collect()
    }

    #[test]
    fn frontier_and_tree_have_the_root_of_the_recursion_at_every_size() {
        let records = records(70);
        let (mut frontier, mut tree) = (Frontier::default(), Tree::default());
        for size in 0..=records.len() {
            let expected = naive_root(&records[..size]);
            assert_eq!(frontier.root(), expected, "{size}");
            assert_eq!(tree.root(), expected, "{size}");
            assert_eq!((frontier.size(), tree.size()), (wide(size), wide(size)));
            if let Some(record) = records.get(size) {
                frontier.append(record);
                tree.append(record);
            }
        }
    }

    #[test]
    fn the_roots_of_the_published_vectors() {
        // Leaves and roots of the tests of Google's Certificate Transparency.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        for (leaf, root) in leaves.iter().zip(roots) {
            frontier.append_leaf(Sha256::digest([&[0][..], leaf].concat()).into());
            assert_eq!(crate::checkpoint::hex(&frontier.root()), root);
        }
    }

    #[test]
    fn domains_are_apart() {
        let (one, two) = (leaf(&[1; 32]), leaf(&[2; 32]));
        assert_eq!(one, <Hash>::from(Sha256::digest([&[0][..], &[1; 32]].concat())));
        assert_eq!(node(&one, &two), <Hash>::from(Sha256::digest([&[1][..], &one, &two].concat())));
        assert_eq!(EMPTY_ROOT, <Hash>::from(Sha256::digest(b"")));
    }
}
