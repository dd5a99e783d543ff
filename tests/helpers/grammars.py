"""Lists and texts of small grammars, for trials: names, molecules and tunes.

python tests/helpers/grammars.py names 5000 > names.txt
python tests/helpers/grammars.py molecules 20000 > molecules.txt
python tests/helpers/grammars.py tunes 1000 > tunes.abc
"""

import random
import sys

ONSETS = [*"bdfghjklmnprstvwz", "br", "dr", "gr", "kl", "st", "th"]
VOWELS = [*"aeiou", "ae", "ia"]
CODAS = ["", "", "", "l", "n", "r", "s", "nd", "rt"]
#: Atoms of a chain, and those with room for a branch or another bond, as SMILES writes them.
ATOMS, ROOMY = [*"CCCCNOS", "[C@@H]"], ("C", "N", "[C@@H]")
RINGS = ["c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCOC1", "c1ccsc1"]
KEYS = {"G": "GABcdefg", "D": "DEFGABcd", "Ador": "ABcdefga", "Em": "EFGABcde"}
METERS = {"6/8": (2, 3), "4/4": (2, 4), "3/4": (3, 2)}


def name(rng):
    """A name of one to three syllables."""
    syllables = (
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
        for _ in range(rng.choice([1, 2, 2, 3]))
    )
    return "".join(syllables).capitalize()


def molecule(rng, depth=0):
    """A molecule: a chain of atoms and rings, with branches in brackets and double bonds."""
    parts = []
    for _ in range(rng.randint(1, 6 - 2 * depth)):
        if rng.random() < 0.2:
            parts.append(rng.choice(RINGS))
            continue
        atom = rng.choice(ATOMS)
        parts.append(atom)
        if depth < 2 and atom in ROOMY and rng.random() < 0.4:
            parts.append(rng.choice(["(=O)", "(Cl)", "(F)", f"({molecule(rng, depth + 1)})"]))
        elif atom in ROOMY and rng.random() < 0.15:
            parts.append(rng.choice(["=C", "#N", "/C=C/", "/C=C\\"]))
    return "".join(parts)


def tune(rng, number):
    """A tune in ABC notation: its header, and two repeated parts of four bars."""
    key, (meter, (groups, size)) = rng.choice(list(KEYS)), rng.choice(list(METERS.items()))

    def bar():
        at = rng.randrange(8)
        notes = []
        for _ in range(groups * size):
            at = min(max(at + rng.choice([-2, -1, -1, 0, 1, 1, 2]), 0), 7)
            notes.append(KEYS[key][at])
        return " ".join(
            "".join(notes[start : start + size]) for start in range(0, len(notes), size)
        )

    parts = "\n".join(f"|:{'|'.join(bar() for _ in range(4))}:|" for _ in range(2))
    title = f"The {name(rng)} {rng.choice(['Jig', 'Reel', 'Waltz', 'Air'])}"
    return f"X:{number}\nT:{title}\nM:{meter}\nL:1/8\nK:{key}\n{parts}\n"


def names(count, seed=0):
    """Names, of which some are equal."""
    rng = random.Random(seed)
    return [name(rng) for _ in range(count)]


def molecules(count, seed=0):
    """Molecules."""
    rng = random.Random(seed)
    return [molecule(rng) for _ in range(count)]


def tunes(count, seed=0):
    """The tunes of a book, which an empty line separates."""
    rng = random.Random(seed)
    return [tune(rng, number) for number in range(1, count + 1)]


if __name__ == "__main__":
    _, grammar, count = sys.argv
    print("\n".join({"names": names, "molecules": molecules, "tunes": tunes}[grammar](int(count))))
