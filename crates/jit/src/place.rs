//! Where a function is put, for the processors that mind.
//!
//! Intel's from Skylake to Comet Lake do not keep the decoded form of a 32-byte line in whose last byte a jump ends or
//! across whose end it goes: the line is decoded anew each time ("Mitigations for Jump Conditional Code Erratum", Intel
//! 2019). In a loop of a few instructions that is up to a fifth of the time. A function is therefore put where in a line
//! it has the fewest such jumps in its inner loops. Calls, returns and jumps to computed addresses are not looked at,
//! which have costs of their own. What is taken for a jump need not be one, as
//! instructions are not decoded here: all that depends on it is speed.

use std::collections::BTreeMap;

use kinglet_abi::image::Place;

/// The bytes whose decoded form is kept together.
const LINE: usize = 32;

/// A function is put at a multiple of this many bytes.
const STEP: usize = 4;

/// How many places in a line that makes.
const STEPS: usize = LINE / STEP;

/// A comparison and a conditional jump are one instruction to the processor: about what the first takes.
const COMPARISON: usize = 3;

/// How much more often a loop's instructions run than those around it, at a guess.
const ROUNDS: u64 = 8;

/// Deeper loops count like loops this deep.
const DEEPEST: u32 = 8;

/// Where x86-64 code is put that had better be aligned to `align`, and has to be to `least`. What is aligned stricter than
/// a line stays there.
pub(crate) fn place(text: &[u8], align: u32, least: u32) -> Place {
    if align as usize != LINE {
        return Place::aligned(align);
    }
    let leads = cost(text).into_iter().zip((0..align).step_by(STEP));
    let lead = leads.filter(|(_, lead)| lead % least == 0).min().map_or(0, |(_, lead)| lead);
    Place { align, lead }
}

/// A jump to an address that is encoded with it.
struct Jump {
    start: usize,
    end: usize,
    target: usize,
}

/// How often, at a guess, a line has to be decoded anew if the function starts at each of the places in a line.
fn cost(text: &[u8]) -> [u64; STEPS] {
    let jumps = jumps(text);
    // By header, the end of the last jump back.
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
        let Some(around) = depth.checked_sub(1) else { continue };
        for (cost, lead) in cost.iter_mut().zip((0..).step_by(STEP)) {
            if (jump.start + lead) / LINE != (jump.end + lead) / LINE {
                *cost += ROUNDS.pow(around.min(DEEPEST));
            }
        }
    }
    cost
}

/// What looks like a jump within the function, in order of where they end: Cranelift encodes all of them with 32-bit distances.
fn jumps(text: &[u8]) -> Vec<Jump> {
    let mut jumps: Vec<Jump> = Vec::new();
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
        jumps.push(Jump { start, end, target });
    }
    jumps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop that begins at its first byte, whose jump back ends at this one.
    fn looped(end: usize, conditional: bool) -> Vec<u8> {
        let op: &[u8] = if conditional { &[0x0f, 0x8c] } else { &[0xe9] };
        let mut text = vec![0x90; end - 4 - op.len()];
        text.extend_from_slice(op);
        text.extend_from_slice(&(-(end as i32)).to_le_bytes());
        text.push(0xc3);
        text
    }

    #[test]
    fn a_loops_jump_neither_crosses_a_line_nor_ends_one() {
        for end in 20..100 {
            for conditional in [false, true] {
                let text = looped(end, conditional);
                let length = if conditional { 6 + COMPARISON } else { 5 };
                let lead = place(&text, 32, 16).lead as usize;
                let [first, behind] = [lead + end - length, lead + end];
                assert_eq!(first / LINE, behind / LINE, "{end} {conditional} {lead}");
                assert!(lead == 0 || (end - length) / LINE != end / LINE, "moved for nothing: {end}");
            }
        }
    }

    #[test]
    fn the_inner_loops_jump_decides() {
        let mut text = vec![0x90; 120];
        // An inner loop whose jump minds the middle of a line, in an outer one with two that mind its start.
        for (start, target) in [(28, 40), (76, 64), (92, 100), (110, 8)] {
            text[start] = 0xe9;
            text[start + 1..start + 5].copy_from_slice(&(target - (start as i32 + 5)).to_le_bytes());
        }
        assert_eq!([0, 16].map(|lead| cost(&text)[lead / STEP]), [2, ROUNDS + 1]);
        assert_eq!(place(&text, 32, 16), Place::aligned(32));
        // There is a place that is right for all of them, unless constants in the code forbid it.
        assert_eq!(place(&text, 32, 1), Place { align: 32, lead: 4 });
        assert_eq!(cost(&text)[1], 0);
        // Without the inner loop the others decide.
        text[76] = 0x90;
        assert_eq!(place(&text, 32, 16), Place { align: 32, lead: 16 });
    }

    #[test]
    fn code_that_is_aligned_stricter_stays_where_it_is() {
        assert_eq!(place(&looped(32, true), 32, 16), Place { align: 32, lead: 16 });
        assert_eq!(place(&looped(32, true), 32, 32), Place::aligned(32));
        assert_eq!(place(&looped(32, true), 64, 1), Place::aligned(64));
    }

    #[test]
    fn any_bytes_have_a_place() {
        let mut seed = 1u32;
        let mut byte = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Often what jumps begin with, and small distances.
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
            let place = place(&text, 32, 8);
            assert!(place.align == 32 && [0, 8, 16, 24].contains(&place.lead), "{text:x?}");
        }
    }
}
