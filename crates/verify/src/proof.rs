//! Proofs about the tree: that a record is in it, and that one tree is the beginning of another. Made
//! as RFC 6962 says (2.1.1, 2.1.2), checked as RFC 9162 says (2.1.3.2, 2.1.4.2).
//!
//! INVARIANT bounded: no proof has more than 65 hashes, and none is longer or shorter than it must be.

use faramesh_dpr::Hash;

use crate::merkle::{Nodes, leaf, node, range_root};

/// Most hashes of a proof.
pub const MAX_PROOF: usize = 65;

/// Why a proof does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The place or the size is not in the tree.
    #[error("the proof is about a place that the tree does not have")]
    Place,
    /// Too few or too many hashes.
    #[error("the proof has not the number of hashes that it must have")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The largest power of two that is smaller than `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The proof that leaf `index` is in the tree of the first `size` leaves; empty when it is not.
///
/// # Errors
/// A node could not be read.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    if index >= size {
        return Ok(proof);
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the first `old` leaves is the beginning of that of the first `new`;
/// empty when there is nothing to prove or `old` is larger.
///
/// # Errors
/// A node could not be read.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    // The subtree that ends where the old tree ends; the verifier has it when it is all of the old tree.
    if start > 0 {
        proof.push(range_root(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that the record with this hash is leaf `index` of the tree with `size` leaves and this root.
///
/// # Errors
/// It is not, or the proof is not one.
pub fn verify_inclusion(
    record: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Place);
    }
    let (mut place, mut last) = (index, size - 1);
    let mut found = leaf(record);
    for other in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place % 2 == 1 || place == last {
            found = node(other, &found);
            // Where the right edge has no sibling it goes up as it is.
            while place.is_multiple_of(2) && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            found = node(&found, other);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if found == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree with `old` leaves is the beginning of the one with `new` leaves.
///
/// # Errors
/// It is not, or the proof is not one.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Place);
    }
    if old == new || old == 0 {
        if !proof.is_empty() {
            return Err(ProofError::Length);
        }
        let fits = if old == 0 { *old_root == crate::merkle::EMPTY_ROOT } else { old_root == new_root };
        return if fits { Ok(()) } else { Err(ProofError::Root) };
    }
    let (mut place, mut last) = (old - 1, new - 1);
    let up = place.trailing_ones();
    (place, last) = (place >> up, last >> up);
    // A tree whose size is a power of two is itself the first subtree.
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::Length)?
    };
    let (mut old_found, mut new_found) = (*first, *first);
    for other in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place % 2 == 1 || place == last {
            old_found = node(other, &old_found);
            new_found = node(other, &new_found);
            while place.is_multiple_of(2) && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            new_found = node(&new_found, other);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_found == *old_root && new_found == *new_root { Ok(()) } else { Err(ProofError::Root) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::merkle::Tree;
    use crate::merkle::tests::{naive_root, records, split, wide};

    /// RFC 6962, section 2.1.1, word by word.
    fn naive_inclusion(index: usize, records: &[Hash]) -> Vec<Hash> {
        if records.len() == 1 {
            return Vec::new();
        }
        let middle = split(records.len());
        let (left, right) = records.split_at(middle);
        let (mut proof, other) = if index < middle {
            (naive_inclusion(index, left), right)
        } else {
            (naive_inclusion(index - middle, right), left)
        };
        proof.push(naive_root(other));
        proof
    }

    /// RFC 6962, section 2.1.2, word by word.
    fn naive_consistency(old: usize, records: &[Hash], whole: bool) -> Vec<Hash> {
        if old == records.len() {
            return if whole { Vec::new() } else { vec![naive_root(records)] };
        }
        let middle = split(records.len());
        let (left, right) = records.split_at(middle);
        let (mut proof, other) = if old <= middle {
            (naive_consistency(old, left, whole), right)
        } else {
            (naive_consistency(old - middle, right, false), left)
        };
        proof.push(naive_root(other));
        proof
    }

    fn tree_of(records: &[Hash]) -> Tree {
        let mut tree = Tree::default();
        records.iter().for_each(|record| tree.append(record));
        tree
    }

    #[test]
    fn proofs_are_those_of_the_recursion_and_verify_at_every_size() {
        let records = records(70);
        let tree = tree_of(&records);
        for size in 1..=records.len() {
            let root = naive_root(&records[..size]);
            for index in 0..size {
                let proof = inclusion(&tree, wide(index), wide(size)).unwrap();
                assert_eq!(proof, naive_inclusion(index, &records[..size]), "{index} in {size}");
                let checked = verify_inclusion(&records[index], wide(index), wide(size), &proof, &root);
                assert_eq!(checked, Ok(()), "{index} in {size}");
            }
            for old in 1..=size {
                let proof = consistency(&tree, wide(old), wide(size)).unwrap();
                assert_eq!(proof, naive_consistency(old, &records[..size], true), "{old} in {size}");
                let old_root = naive_root(&records[..old]);
                let checked = verify_consistency(wide(old), &old_root, wide(size), &root, &proof);
                assert_eq!(checked, Ok(()), "{old} in {size}");
            }
        }
    }

    #[test]
    fn nothing_else_is_proved() {
        let records = records(11);
        let tree = tree_of(&records);
        let root = tree.root();
        let proof = inclusion(&tree, 6, 11).unwrap();
        let check = |index, size, proof: &[Hash]| verify_inclusion(&records[6], index, size, proof, &root);
        assert_eq!(check(6, 11, &proof), Ok(()));
        assert_eq!(check(11, 11, &proof), Err(ProofError::Place));
        assert_eq!(check(6, 11, &proof[1..]), Err(ProofError::Length));
        assert_eq!(check(6, 11, &[&proof[..], &[root]].concat()), Err(ProofError::Length));
        assert_eq!(check(7, 11, &proof), Err(ProofError::Root));
        assert_eq!(verify_inclusion(&records[6], 0, 0, &[], &root), Err(ProofError::Place));
        let old_root = naive_root(&records[..4]);
        let proof = consistency(&tree, 4, 11).unwrap();
        assert_eq!(verify_consistency(4, &old_root, 11, &root, &proof), Ok(()));
        assert_eq!(verify_consistency(4, &root, 11, &root, &proof), Err(ProofError::Root));
        assert_eq!(verify_consistency(12, &root, 11, &root, &proof), Err(ProofError::Place));
        assert_eq!(verify_consistency(11, &old_root, 11, &root, &[]), Err(ProofError::Root));
        assert_eq!(verify_consistency(11, &root, 11, &root, &proof), Err(ProofError::Length));
        assert_eq!(verify_consistency(0, &crate::EMPTY_ROOT, 11, &root, &[]), Ok(()));
        assert_eq!(verify_consistency(0, &root, 11, &root, &[]), Err(ProofError::Root));
        assert_eq!(verify_consistency(5, &root, 11, &root, &[]), Err(ProofError::Length));
    }

    proptest! {
        #[test]
        fn a_changed_proof_never_verifies(
            size in 1_u64..600,
            place in any::<u64>(),
            old in any::<u64>(),
            bit in any::<usize>(),
        ) {
            let records = records(usize::try_from(size).unwrap());
            let tree = tree_of(&records);
            let (index, old) = (place % size, 1 + old % size);
            let record = &records[usize::try_from(index).unwrap()];
            let root = tree.root();
            let mut proof = inclusion(&tree, index, size).unwrap();
            prop_assert!(proof.len() <= MAX_PROOF);
            prop_assert_eq!(verify_inclusion(record, index, size, &proof, &root), Ok(()));
            let old_root = naive_root(&records[..usize::try_from(old).unwrap()]);
            let mut grown = consistency(&tree, old, size).unwrap();
            prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &grown), Ok(()));
            for changed in [&mut proof, &mut grown] {
                let count = changed.len();
                if count > 0 {
                    changed[bit % count][bit % 32] ^= 1 << (bit % 8);
                }
            }
            if !proof.is_empty() {
                prop_assert_eq!(verify_inclusion(record, index, size, &proof, &root), Err(ProofError::Root));
            }
            if !grown.is_empty() {
                let checked = verify_consistency(old, &old_root, size, &root, &grown);
                prop_assert_eq!(checked, Err(ProofError::Root));
            }
        }

        #[test]
        fn rubbish_is_never_a_proof(size in any::<u64>(), index in any::<u64>(), count in 0_usize..80) {
            let proof = records(count);
            prop_assert!(verify_inclusion(&[7; 32], index, size, &proof, &[9; 32]).is_err());
            prop_assert!(verify_consistency(index, &[7; 32], size, &[9; 32], &proof).is_err());
        }
    }

    #[test]
    fn a_tree_that_grows_proves_itself_at_every_size() {
        let records = records(70);
        for old in 0..=records.len() {
            let mut growth = crate::merkle::Growth::default();
            records.iter().take(old).for_each(|record| growth.append(record));
            growth.settle(wide(old));
            assert_eq!((growth.old(), growth.size()), (wide(old), wide(old)));
            records.iter().skip(old).for_each(|record| growth.append(record));
            for new in old..=records.len() {
                let proof = growth.proof(wide(new));
                assert_eq!(growth.root_at(wide(new)), naive_root(&records[..new]));
                let old_root = naive_root(&records[..old]);
                let done =
                    verify_consistency(wide(old), &old_root, wide(new), &naive_root(&records[..new]), &proof);
                assert_eq!(done, Ok(()), "{old} to {new}");
            }
        }
    }
}
