"""What the project wants to reach, as ratios between rows that are measured side by side, and where it stands.

``python -m benchmarks.targets`` prints the table; the documentation shows the same one.
"""

from benchmarks.judging import Goal, Operation, evaluate, load, summary
from benchmarks.writing import show

__all__ = ["OPERATIONS"]


def within(bound: float, against: str = "^limit: (?!.*new array)", named: str = "the limit") -> Goal:
    """At most so many times the time of another row."""
    return Goal("times", bound, against, named)


def faster(bound: float, against: str, named: str) -> Goal:
    """At least so many times as fast as another row."""
    return Goal("speed", bound, against, named)


def exact(bound: float) -> Goal:
    """With an error of at most that."""
    return Goal("error", bound)


def under(milliseconds: float) -> Goal:
    """In at most so many milliseconds."""
    return Goal("ms", milliseconds)


def both(name: str, case: str, table: str, row: str, *goals: Goal, others: str = "") -> list[Operation]:
    """The same goals for NumPy and for torch; ``{}`` in the pattern of the row stands for the library."""
    return [Operation(name, library, case, table, row.format(library), goals, others) for library in ("NumPy", "torch")]


def on_gpu(name: str, table: str, row: str, *goals: Goal) -> Operation:
    """A row of the case of the GPU."""
    return Operation(name, "CUDA", "cuda", table, row, goals)


FOA = r"(?i)order 1\b.*60(\.0)? s"
SLOW_RECIPE = "librosa and NumPy as in the DCASE baselines"

#: Everything that there is a target for.
OPERATIONS: list[Operation] = [
    *both(
        "Rotate, first order, 60 s, `out=`",
        "rotate",
        FOA,
        r"^ambikit(?=.*out=)(?!.*in place).*{}",
        within(1.1),
        faster(10, "^spaudiopy", "spaudiopy"),
    ),
    *both("Rotate, first order, 60 s, in place", "rotate", FOA, r"^ambikit(?=.*in place).*{}", within(0.65)),
    *both(
        "Rotate, first order, 60 s, a new result",
        "rotate",
        FOA,
        r"^ambikit(?=.*(new|alloc)).*{}",
        within(1.1, r"^limit.*(x\.copy\(\)|clone|fresh|new)", "`x.copy()`"),
        others="^(?!.*out=)",
    ),
    *(
        Operation(
            f"Rotate, order {order}, `out=`",
            library,
            "rotate",
            rf"(?i)order {order}\b",
            rf"^ambikit(?=.*out=)(?!.*in place).*{library}",
            (within(bound),),
        )
        for order, library, bound in ((3, "NumPy", 1.8), (3, "torch", 1.3), (7, "NumPy", 2.4), (7, "torch", 1.3))
    ),
    *(
        operation
        for order in (1, 3, 7, 20)
        for operation in both(
            f"Rotation matrices, 10 000 of order {order}",
            "rotation_matrices",
            rf"(?i)10.?000\b.*order {order}\b|order {order}\b.*10.?000\b",
            "^ambikit.*{}",
            within(7, "^limit: write", "writing them"),
            faster(2000, "^spaudiopy", "spaudiopy"),
        )
    ),
    *both(
        "One rotation matrix of order 7",
        "rotation_matrices",
        r"^One .*order 7\b",
        "^ambikit.*{}",
        Goal("beyond", 0.025, r"^One .*order 1\b", "a call, one of order 1"),
    ),
    *(
        operation
        for order, bound in ((1, 1.6), (3, 3.0), (7, 7.0))
        for operation in both(
            f"Rotation in time, order {order}, a pose per 128 samples, `out=`",
            "rotation_track",
            rf"(?i)(blocks|tracking|128).*order {order}\b",
            "^ambikit.*out=.*{}",
            within(bound),
        )
    ),
    *both(
        "Rotation in time, first order, a pose per sample, `out=`",
        "rotation_track",
        "per sample",
        "^ambikit.*out=.*{}",
        within(1.0),
    ),
    *(
        operation
        for order, peer in ((3, "float32"), (7, "float32"), (20, "float64"))
        for operation in both(
            f"Spherical harmonics, order {order}, 100 000 vectors",
            "harmonics",
            f"^Order {order}, .*unit vectors",
            "^ambikit, loop, {}, float32",
            faster(1.3, f"^sphericart, {peer}", f"sphericart, {peer}"),
            exact(1e-5),
        )
    ),
    *(
        Operation(
            f"Spherical harmonics, order {order}, 100 000 pairs of angles",
            "torch",
            "harmonics",
            f"^Order {order}, .*angles",
            "^ambikit, loop, torch, float32",
            (faster(1.3, f"sphericart, {peer}", f"sphericart, {peer}"), exact(1e-5)),
        )
        for order, peer in ((3, "float32"), (7, "float32"), (20, "float64"))
    ),
    Operation(
        "Spherical harmonics, order 20, float64",
        "NumPy",
        "harmonics",
        "^Order 20, .*unit vectors",
        "^ambikit, loop, NumPy, float64",
        (exact(1e-12),),
    ),
    *both(
        "Log-mel, 112 clips × 4 × 1 s",
        "features",
        "^Log-mel",
        "^ambikit, {}",
        faster(4.5, "^torchaudio", "torchaudio"),
        faster(4, "^torch.stft", "torch eager"),
    ),
    *both(
        "FOA features, 112 clips × 4 × 1 s",
        "features",
        "^FOA features .*112 clips",
        "^ambikit, {}",
        faster(4, "^torch.stft", "torch eager"),
        faster(18, SLOW_RECIPE, "the DCASE recipe"),
    ),
    *(
        Operation(
            "32 views of 112² from 8 frames 1920 × 960, normalised float32",
            library,
            "crop",
            r"1920 × 960.*(float|normal)",
            rf"^ambikit.*{word}",
            (
                faster(0.95, "^(cv2|OpenCV)", "OpenCV, maps ready, and normalising"),
                faster(10, "^py360convert", "py360convert"),
            ),
        )
        for library, word in (("NumPy", "NumPy"), ("torch", "(torch|tensor)"))
    ),
    *both(
        "Check of first order, 10 s at 48 kHz",
        "validity",
        "10(\\.0)? s",
        "^ambikit.*{}",
        faster(4, "(?i)^scipy", "SciPy's filter and sum"),
        exact(1e-4),
    ),
    *both(
        "Two ears, order 3, 256 taps, 10 s",
        "binaural",
        "^Two ears .*order 3",
        "^ambikit, loop, {}",
        faster(7, "oaconvolve, ear by ear", "SciPy `oaconvolve`"),
        under(50),
    ),
    *(
        Operation(
            f"{what}, 642 directions, order {order}",
            library,
            "maps",
            rf"^{what} .*order {order}\b",
            f"^ambikit {row}, {library}",
            (within(5, f"^ambikit spatial_covariance, {library}", "the covariance"),),
            others="(?<!, harmonics ready)$",
        )
        for order in (1, 3, 7)
        for what, row in (("Power of beams", "power_map"), ("MUSIC", "music"))
        for library in ("NumPy", "torch")
    ),
    Operation(
        "A head that moves: turn and two ears, order 3, 64 samples",
        "NumPy",
        "streams",
        "head that moves",
        "turn and two ears$",
        (under(0.1 * 64 / 48),),
    ),
    Operation(
        "The data of a training step of the papers' networks",
        "CUDA",
        "cuda",
        "on (?!CPU).*the papers' networks",
        "^data, altogether",
        (Goal("share", 10),),
    ),
    *(
        on_gpu(f"Rotate, order {order}, `out=`", rf"^Rotate, order {order}\b", "^ambikit, out=", within(1.3))
        for order in (1, 3, 7)
    ),
    on_gpu("Rotate, 288 clips, each by its own angles, `out=`", "^Rotate, first order", "^ambikit, out=", within(1.3)),
    *(
        on_gpu(f"Rotation in time, order {order}", rf"^Rotation in time, order {order}\b", "^ambikit", within(1.3))
        for order in (1, 3)
    ),
    *(
        on_gpu(
            f"Spherical harmonics, order {order}", rf"^Spherical harmonics, order {order}\b", "^ambikit", within(1.3)
        )
        for order in (3, 7)
    ),
    on_gpu("Log-mel, 1120 clips", "^Log-mel", "^ambikit", within(4, named="its floor")),
    on_gpu("FOA features, 1120 clips", "^FOA features", "^ambikit", within(4, named="its floor")),
]


if __name__ == "__main__":
    show(summary(evaluate(OPERATIONS, load())))
