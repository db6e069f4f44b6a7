//! Chooses the start offset of functions on x86-64, to avoid the penalty for badly placed jumps.
//!
//! Intel processors from Skylake to Comet Lake do not cache decoded instructions for a 32-byte line if a jump crosses
//! the end of the line or ends in its last byte. Such a line is decoded again on each execution ("Mitigations for DirectJump
//! Conditional Code Erratum", Intel 2019). In a loop of a few instructions, this costs up to a fifth of the run time.
//!
//! Each function therefore starts at the offset within a line that leaves the fewest such jumps in its inner loops.
//! Calls, returns and indirect jumps are not counted, because other costs dominate them. Jumps are found by byte
//! patterns without decoding instructions. A false match affects only speed.

use std::collections::BTreeMap;

use kinglet_abi::image::CodeAlignment;

/// The size in bytes of a line of cached decoded instructions.
const LINE: usize = 32;

/// The granularity of start offsets, in bytes.
const STEP: usize = 4;

/// The number of candidate offsets in a line.
const STEPS: usize = LINE / STEP;

/// The assumed length of a comparison. The processor fuses it with the conditional jump that follows.
const COMPARISON: usize = 3;

/// The assumed number of iterations of a loop.
const LOOP_WEIGHT: u64 = 8;

/// The nesting depth beyond which loops get no more weight.
const MAX_WEIGHTED_DEPTH: u32 = 8;

/// Chooses the alignment of x86-64 code that prefers alignment to `align` and requires alignment to `required`.
///
/// Code that prefers an alignment other than that of a line keeps its alignment.
pub(crate) fn choose(text: &[u8], align: u32, required: u32) -> CodeAlignment {
    if align as usize != LINE {
        return CodeAlignment::aligned(align);
    }
    let offsets = decode_costs(text).into_iter().zip((0..align).step_by(STEP));
    let offset = offsets.filter(|(_, offset)| offset % required == 0).min().map_or(0, |(_, offset)| offset);
    CodeAlignment { align, offset }
}

/// A direct jump.
struct DirectJump {
    start: usize,
    end: usize,
    target: usize,
}

/// Returns, for each candidate offset, an estimate of how often a line is decoded again.
fn decode_costs(text: &[u8]) -> [u64; STEPS] {
    let jumps = jumps(text);
    // Maps each loop header to the end of its last back-edge.
    let mut loops = BTreeMap::new();
    for jump in jumps.iter().filter(|jump| jump.target <= jump.start) {
        loops.insert(jump.target, jump.end);
    }
    let mut starts = loops.keys().copied().peekable();
    let mut ends: Vec<usize> = loops.values().copied().collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let (mut depth, mut cost) = (0u32, [0; STEPS]);
    for jump in &jumps {
        while starts.next_if(|start| *start <= jump.start).is_some() {
            depth += 1;
        }
        while ends.next_if(|end| *end <= jump.start).is_some() {
            depth -= 1;
        }
        let Some(weight_log) = depth.checked_sub(1) else { continue };
        for (cost, offset) in cost.iter_mut().zip((0..).step_by(STEP)) {
            if (jump.start + offset) / LINE != (jump.end + offset) / LINE {
                *cost += LOOP_WEIGHT.pow(weight_log.min(MAX_WEIGHTED_DEPTH));
            }
        }
    }
    cost
}

/// Returns the byte patterns that look like jumps within the function, sorted by end. Cranelift encodes all jumps with
/// 32-bit displacements.
fn jumps(text: &[u8]) -> Vec<DirectJump> {
    let mut jumps: Vec<DirectJump> = Vec::new();
    for (at, window) in text.windows(5).enumerate() {
        let [op, distance @ ..] = window else { continue };
        let conditional = match (at.checked_sub(1).map(|before| text[before]), op) {
            (_, 0xe9) => false,
            (Some(0x0f), 0x80..=0x8f) => true,
            _ => continue,
        };
        let distance = distance.try_into().map_or(0, i32::from_le_bytes);
        let end = at + window.len();
        let target = end.checked_add_signed(distance as isize).filter(|target| *target < text.len());
        let Some(target) = target else { continue };
        let start = if conditional { at.saturating_sub(1 + COMPARISON) } else { at };
        jumps.push(DirectJump { start, end, target });
    }
    jumps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a loop that starts at its first byte and whose back-edge ends at `end`.
    fn loop_code(end: usize, conditional: bool) -> Vec<u8> {
        let op: &[u8] = if conditional { &[0x0f, 0x8c] } else { &[0xe9] };
        let mut text = vec![0x90; end - 4 - op.len()];
        text.extend_from_slice(op);
        text.extend_from_slice(&(-(end as i32)).to_le_bytes());
        text.push(0xc3);
        text
    }

    #[test]
    fn the_back_edge_of_a_loop_neither_crosses_nor_ends_a_line() {
        for end in 20..100 {
            for conditional in [false, true] {
                let text = loop_code(end, conditional);
                let length = if conditional { 6 + COMPARISON } else { 5 };
                let offset = choose(&text, 32, 16).offset as usize;
                let [start, end_at] = [offset + end - length, offset + end];
                assert_eq!(start / LINE, end_at / LINE, "{end} {conditional} {offset}");
                assert!(offset == 0 || (end - length) / LINE != end / LINE, "code moved without need: {end}");
            }
        }
    }

    #[test]
    fn the_jumps_of_the_inner_loop_decide() {
        let mut text = vec![0x90; 120];
        // An inner loop with a jump across the middle of a line, in an outer loop with two jumps across a line's start.
        for (start, target) in [(28, 40), (76, 64), (92, 100), (110, 8)] {
            text[start] = 0xe9;
            text[start + 1..start + 5].copy_from_slice(&(target - (start as i32 + 5)).to_le_bytes());
        }
        assert_eq!([0, 16].map(|offset| decode_costs(&text)[offset / STEP]), [2, LOOP_WEIGHT + 1]);
        assert_eq!(choose(&text, 32, 16), CodeAlignment::aligned(32));
        // One offset suits all jumps, unless the code's required alignment excludes it.
        assert_eq!(choose(&text, 32, 1), CodeAlignment { align: 32, offset: 4 });
        assert_eq!(decode_costs(&text)[1], 0);
        // Without the inner loop, the other jumps decide.
        text[76] = 0x90;
        assert_eq!(choose(&text, 32, 16), CodeAlignment { align: 32, offset: 16 });
    }

    #[test]
    fn stricter_alignment_is_preserved() {
        assert_eq!(choose(&loop_code(32, true), 32, 16), CodeAlignment { align: 32, offset: 16 });
        assert_eq!(choose(&loop_code(32, true), 32, 32), CodeAlignment::aligned(32));
        assert_eq!(choose(&loop_code(32, true), 64, 1), CodeAlignment::aligned(64));
    }

    #[test]
    fn arbitrary_bytes_get_a_valid_alignment() {
        let mut seed = 1u32;
        let mut byte = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Generates opcodes and small displacements often.
            match seed >> 29 {
                0 => 0x0f,
                1 => 0x84,
                2 => 0xe9,
                3 => 0xff,
                4 => 0,
                _ => (seed >> 16) as u8,
            }
        };
        for length in 0..500 {
            let text: Vec<u8> = (0..length).map(|_| byte()).collect();
            let alignment = choose(&text, 32, 8);
            assert!(alignment.align == 32 && [0, 8, 16, 24].contains(&alignment.offset), "{text:x?}");
        }
    }
}
