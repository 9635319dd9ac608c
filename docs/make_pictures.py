"""Makes the pictures of the documentation with the library itself, so that none can disagree with the code."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Arc, FancyArrowPatch

import ambikit

INK, LEFT, UP, FRONT = "#30343b", "#c0392b", "#1f77b4", "#2a8c4a"


def axes_and_angles(path: Path) -> None:
    """The axes from above and from the side, with the sense of each angle."""
    figure, (above, side) = pyplot.subplots(1, 2, figsize=(9.6, 4.6), layout="constrained")
    for axes, title in ((above, "from above"), (side, "from the right")):
        axes.text(0, -1.6, title, fontsize=13, ha="center")
        axes.set_aspect("equal")
        axes.set_xlim(-1.75, 1.75)
        axes.set_ylim(-1.7, 1.65)
        axes.axis("off")
        axes.add_patch(pyplot.Circle((0, 0), 1, fill=False, color="0.75", linewidth=1.2))
    _arrow(above, (0, 1.25), "x  front\n0°", FRONT)
    _arrow(above, (-1.25, 0), "y  left\n+90°", LEFT)
    above.text(1.1, 0, "right\n−90°", ha="left", va="center", color="0.4")
    above.text(0, -1.12, "back, ±180°", ha="center", va="top", color="0.4")
    _turn(above, 90, 90 + 55, "azimuth", 0.62, LEFT)
    _head(above)
    _arrow(side, (1.25, 0), "x  front\n0°", FRONT)
    _arrow(side, (0, 1.25), "z  up\n+90°", UP)
    side.text(-1.1, 0, "back", ha="right", va="center", color="0.4")
    side.text(0, -1.12, "down, −90°", ha="center", va="top", color="0.4")
    _turn(side, 0, 50, "elevation", 0.62, UP)
    _head(side, towards=(1, 0))
    _save(figure, path)


def _arrow(axes, tip, text, colour):
    axes.add_patch(FancyArrowPatch((0, 0), tip, arrowstyle="-|>", mutation_scale=18, linewidth=2.2, color=colour))
    tip = np.asarray(tip)
    across = (
        {"ha": "center", "va": "bottom"} if tip[0] == 0 else {"ha": "right" if tip[0] < 0 else "left", "va": "center"}
    )
    axes.text(*(tip * 1.04), text, color=colour, fontsize=12, fontweight="bold", **across)


def _turn(axes, start, end, text, radius, colour):
    axes.add_patch(Arc((0, 0), 2 * radius, 2 * radius, theta1=start, theta2=end - 4, color=colour, linewidth=2))
    a, b = np.radians([end - 6, end])
    points = [(radius * np.cos(angle), radius * np.sin(angle)) for angle in (a, b)]
    axes.add_patch(FancyArrowPatch(*points, arrowstyle="-|>", mutation_scale=14, color=colour, linewidth=1.5))
    middle = np.radians((start + end) / 2)
    axes.text(
        (radius + 0.08) * np.cos(middle),
        (radius + 0.08) * np.sin(middle),
        f"+{text}",
        color=colour,
        ha="right" if np.cos(middle) < 0 else "left",
        va="bottom",
        fontsize=11,
    )


def _head(axes, towards=(0, 1)):
    axes.add_patch(pyplot.Circle((0, 0), 0.16, facecolor="white", edgecolor=INK, linewidth=1.8, zorder=5))
    nose = 0.16 * np.asarray(towards)
    axes.add_patch(pyplot.Circle(nose, 0.035, facecolor=INK, edgecolor=INK, zorder=6))


def first_order_channels(path: Path) -> None:
    """What the four channels hear: on the horizon for W, Y and X, in the x-z plane for Z."""
    figure = pyplot.figure(figsize=(9.6, 2.9), layout="constrained")
    angle = np.linspace(-np.pi, np.pi, 721)
    for place, name in enumerate("WYZX"):
        axes = figure.add_subplot(1, 4, place + 1, projection="polar")
        axes.set_theta_zero_location("E" if name == "Z" else "N")
        azimuth, elevation = (0 * angle, angle) if name == "Z" else (angle, 0 * angle)
        heard = ambikit.spherical_harmonics(azimuth, elevation, 1)[:, place]
        for sign, colour in ((1, FRONT), (-1, LEFT)):
            lobe = np.clip(sign * heard, 0, None)
            axes.fill(angle, lobe, color=colour, alpha=0.25)
            axes.plot(angle, np.where(lobe > 0, lobe, np.nan), color=colour, linewidth=2)
        axes.set_rlim(0, 1.05)
        axes.set_rticks([])
        labels = ["front", "up", "back", "down"] if name == "Z" else ["front", "left", "back", "right"]
        axes.set_xticks(np.radians([0, 90, 180, 270]), labels, fontsize=9)
        axes.set_title(f"{name}  (ACN {place})", fontsize=12)
    _save(figure, path)


def rotations(path: Path) -> None:
    """Where a source ahead and one on the left come to lie after a turn by +30° of each kind."""
    figure, panels = pyplot.subplots(3, 1, figsize=(6.6, 9.6), layout="constrained")
    noise = np.random.default_rng(0).standard_normal(2400)
    starts = {"front": (0.0, 0.0), "left": (90.0, 0.0)}
    for axes, turn in zip(panels, ("yaw", "pitch", "roll")):
        for name, start in starts.items():
            signal = ambikit.encode(noise, *start, degrees=True)
            turned = ambikit.rotate(signal, **{turn: 30.0}, degrees=True)
            place = _direction(turned)
            colour = FRONT if name == "front" else LEFT
            axes.plot(*start, "o", ms=13, mfc="none", mec=colour, mew=2)
            axes.plot(*place, "o", ms=11, color=colour)
            axes.annotate("", place, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 2})
            axes.annotate(name, start, (10, 8), textcoords="offset points", color=colour, fontsize=11)
        ambikit.plot.localization_map(None, axes=axes)
        axes.set_title(f"rotate(signal, {turn}=30, degrees=True)", family="monospace", fontsize=11)
        axes.grid(alpha=0.3)
        if turn != "roll":
            axes.set_xlabel(None)
    _save(figure, path)


def _direction(signal: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation of the only source, in degrees, from the products of W with the dipoles."""
    y, z, x = signal[1:] @ signal[0]
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def beams(path: Path) -> None:
    """The first-order beams, and how higher order narrows one of them."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9.6, 5.2), subplot_kw={"projection": "polar"}, layout="constrained")
    for pattern in ("hypercardioid", "supercardioid", "cardioid"):
        ambikit.plot.directivity(pattern, 1, axes=panels[0])
    for order in (1, 3, 5):
        ambikit.plot.directivity("max_re", order, axes=panels[1])
    _save(figure, path)


def beams_to_measure(path: Path) -> None:
    """Side lobes of a chosen level, and a zero that a beam finds by itself; third order, on the horizon."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9.6, 5.4), subplot_kw={"projection": "polar"}, layout="constrained")
    for level in (-20, -30, -45):
        pattern = ambikit.dolph_chebyshev_weights(5, side_lobe_db=level)
        ambikit.plot.directivity(pattern, label=f"side lobes −{-level} dB, order 5", floor_db=-50, axes=panels[0])
    azimuth = np.radians(np.linspace(-180, 180, 1441))
    heard = ambikit.spherical_harmonics(azimuth, 0.0, 3)
    disturber = ambikit.spherical_harmonics(80, 0, 3, degrees=True)
    covariance = 100 * np.outer(disturber, disturber) + 0.01 * ambikit.diffuse_covariance(3)
    ambikit.plot.directivity("hypercardioid", 3, floor_db=-50, axes=panels[1])
    gain = heard @ ambikit.mvdr(covariance, 0, 0, diagonal_loading=0)
    with np.errstate(divide="ignore"):
        level = np.maximum(20 * np.log10(np.abs(gain)), -50)
    for sign, style, label in ((1, "-", "MVDR, a loud source at 80°"), (-1, (0, (2, 1.2)), None)):
        shown = np.where(sign * gain >= 0, level, np.nan)
        panels[1].plot(azimuth, shown, linewidth=2.0, linestyle=style, color=LEFT, label=label)
    panels[1].plot(np.radians([80, 80]), [-50, 0], linestyle=":", color=INK)
    panels[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), frameon=False)
    panels[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), frameon=False)
    _save(figure, path)


def energy_map(path: Path) -> None:
    """A third-order scene: a source on the left, a quieter one behind and above, and a little noise."""
    noise = np.random.default_rng(1)
    loud, quiet = noise.standard_normal((2, 24000))
    scene = ambikit.encode(loud, 90, 0, 3, degrees=True) + ambikit.encode(0.8 * quiet, -150, 40, 3, degrees=True)
    scene = scene + 0.1 * noise.standard_normal(scene.shape)
    axes = ambikit.plot.energy_map(scene)
    _save(axes.figure, path)


def analysis(path: Path) -> None:
    """What ``ambikit analyse`` draws of a voice that walks from the left to the front, and of another that joins in."""
    from ambikit.cli.results import draw
    from ambikit.cli.segments import findings_of, segment_edges

    rate, generator = 24000, np.random.default_rng(0)
    walk, other, around = generator.standard_normal((3, 10 * rate))
    time = np.arange(10 * rate) / rate
    walk *= 0.1 * (np.sin(2 * np.pi * 1.7 * time) > -0.2)
    other *= 0.06 * (np.sin(2 * np.pi * 1.1 * time) > 0.2) * (time > 5)
    scene = ambikit.encode(walk, np.interp(time, [1, 8], [90, 0]), 0 * time, degrees=True, trajectory=True)
    scene += ambikit.encode(other, -110, 40, degrees=True)
    scene += 0.006 * np.stack([around, *generator.standard_normal((3, len(time))) / np.sqrt(3)])
    edges = segment_edges(len(time), rate, 0.25)
    azimuths = draw(findings_of([scene.astype(np.float32)], edges, rate, 2, (500.0, 6000.0)))
    _save(azimuths.figure, path)


def binaural_errors(path: Path) -> None:
    """What order and method do to the magnitudes at the ears of a rigid sphere, over frequency."""
    hrirs, length = ambikit.spherical_head_hrirs(), 4096
    frequency = np.fft.rfftfreq(length, 1 / hrirs.sample_rate)
    wanted = abs(np.fft.rfft(hrirs.responses, length))
    weights = hrirs.sphere_weights()[:, None, None]
    figure, axes = pyplot.subplots(figsize=(9.6, 4.2), layout="constrained")
    for order, colour in ((1, LEFT), (3, UP), (5, FRONT)):
        harmonics = ambikit.spherical_harmonics(hrirs.azimuth, hrirs.elevation, order)
        for method, style in (("least_squares", "--"), ("magls", "-")):
            filters = np.fft.rfft(ambikit.binaural_decoder(hrirs, order, method=method).filters, length)
            got = abs(np.moveaxis(harmonics @ filters, 1, 0))
            error = (weights * (got - wanted) ** 2).sum((0, 1)) / (weights * wanted**2).sum((0, 1))
            axes.semilogx(frequency, 10 * np.log10(error), style, color=colour, label=f"order {order}, {method}")
    axes.axvline(1500, color="0.7", linewidth=1)
    axes.set(xlim=(100, 20000), ylim=(-50, 2), xlabel="frequency (Hz)", ylabel="magnitude error (dB)")
    axes.set_xticks([100, 300, 1000, 1500, 3000, 10000], ["100", "300", "1 k", "1.5 k", "3 k", "10 k"])
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=9)
    _save(figure, path)


def decoder(path: Path) -> None:
    """How sharp sources are from 11 loudspeakers around and above, and from five on the horizon."""
    figure = pyplot.figure(figsize=(12.4, 4.6), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(2.3, 1))
    ambikit.plot.decoder_map(ambikit.loudspeaker_decoder("7.1.4", 3), axes=figure.add_subplot(grid[0]))
    ring = figure.add_subplot(grid[1], projection="polar")
    ambikit.plot.decoder_map(ambikit.loudspeaker_decoder("5.1", 2), axes=ring)
    _save(figure, path)


def encoding_error(path: Path) -> None:
    """Where each degree of an Eigenmike is right."""
    report = ambikit.encoding_report(ambikit.microphone_encoder("em32", 4))
    axes = ambikit.plot.encoding_error(report)
    _save(axes[0].figure, path)


def warping(path: Path) -> None:
    """Where sources are wanted, and where the energy of the result lies, at three orders."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9.6, 4.4), layout="constrained")
    angle = np.arange(0.0, 91.0, 2.0)
    cases = (("direction", 2 * angle, 0, 90 - 2 * angle), ("plane", angle, 90, angle))
    for axes, (towards, shown, axis, elevation) in zip(panels, cases):
        for order, colour in ((3, LEFT), (7, UP), (15, FRONT)):
            azimuth = 90 - elevation if towards == "direction" else 0 * elevation
            height = 0 * elevation if towards == "direction" else elevation
            transform = ambikit.warp_transform(order, 0, axis, 0.5, towards=towards, degrees=True)
            report = ambikit.transform_report(transform, azimuth, height, degrees=True)
            for vector, style, label in (
                (report.energy_vector, "-", f"order {order}"),
                (report.target, "--", "wanted" if order == 15 else None),
            ):
                x, y, z = vector.T
                after = np.arctan2(y, x) if towards == "direction" else np.arctan2(z, np.hypot(x, y))
                axes.plot(shown, np.degrees(after), style, color=colour if style == "-" else INK, label=label)
        axes.plot(shown[[0, -1]], shown[[0, -1]], color="0.8", linewidth=1, zorder=0)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    panels[0].set(title="towards the front, α = 0.5", xlabel="azimuth before (°)", ylabel="azimuth after, by rE (°)")
    panels[1].set(title="towards the horizon, α = 0.5", xlabel="elevation before (°)", ylabel="elevation after (°)")
    _save(figure, path)


def rooms(path: Path) -> None:
    """Reflections from above, and how the bands of a room die away beside Eyring's prediction."""
    figure, (plan, decay) = pyplot.subplots(1, 2, figsize=(12.0, 4.6), layout="constrained")
    room, source, listener = [6, 4, 3], [4.5, 3.0, 1.2], [2.0, 1.5, 1.2]
    images = ambikit.image_sources(room, source, listener, reflection=0.8, max_reflections=2)
    places = images.directions * images.distances[:, None] + listener
    level = abs(places[:, 2] - listener[2]) < 1e-9  # only walls, neither floor nor ceiling
    x, y = places[level, 0], places[level, 1]
    for shift_x in range(-2, 4):
        for shift_y in range(-2, 4):
            inner = (shift_x, shift_y) == (0, 0)
            corner, colour = (-4 * (shift_y + 1), 6 * shift_x), INK if inner else "0.85"
            plan.add_patch(
                pyplot.Rectangle(corner, 4, 6, fill=False, color=colour, lw=2 if inner else 1, zorder=2 if inner else 1)
            )
    plan.scatter(-y, x, 900 * images.gains[level] ** 1.2, color=LEFT, zorder=3, label="the source and its images")
    plan.plot(-listener[1], listener[0], "^", ms=11, color=FRONT, zorder=4, label="the listener, looking up the page")
    plan.set(aspect="equal", xlim=(-12.5, 8.5), ylim=(-13, 19), xlabel="to the right (m)", ylabel="to the front (m)")
    plan.legend(loc="lower right", fontsize=9)
    bands, absorption = [250, 500, 1000, 2000], np.array([[0.25], [0.25], [0.35], [0.5]])
    size = [5.2, 4.7, 4.3]
    response = ambikit.room_impulse_response(
        size,
        [3.536, 3.102, 1.29],
        [1.508, 1.316, 1.935],
        8000,
        reflection=ambikit.absorption_to_reflection(absorption),
        max_reflections=40,
        order=0,
        bands=bands,
        length=3440,
    )
    curves = ambikit.energy_decay(ambikit.split_octave_bands(response[0], bands, 8000))
    time = np.arange(3440) / 8000
    predicted = ambikit.reverberation_time(size, absorption)
    for band, curve, seconds, colour in zip(bands, curves, predicted, (INK, LEFT, UP, FRONT)):
        decay.plot(time, 10 * np.log10(np.maximum(curve, 1e-12)), color=colour, label=f"{band} Hz")
        decay.plot(time, -60 * time / seconds, "--", color=colour, lw=1)
    decay.set(xlim=(0, 0.35), ylim=(-45, 1), xlabel="time (s)", ylabel="energy still to come (dB)")
    decay.grid(alpha=0.3)
    decay.legend(title="measured; dashed: Eyring", fontsize=9)
    _save(figure, path)


def performance(path: Path) -> None:
    """Times against the limit, ours and the fastest other, from the results of the benchmarks."""
    from benchmarks.picture import times_of_the_limit

    times_of_the_limit(path)


def viewpoints(path: Path) -> None:
    """Where sound and motion look in a scene of the world, and the measured recall of a detector by latitude."""
    import json

    from ambikit_models.panorama.motion import moving_directions
    from ambikit_models.panorama.sounding import sounding_directions
    from ambikit_models.world import WorldConfig, render_panoramas, render_sound, scene

    config = WorldConfig(sounding=(2, 2), silent=(1, 1), reverberation=0.3)
    drawn = scene(config, 0, 12)
    frames = render_panoramas(config, drawn, 128, times=config.frame_times(4))[0]
    figure, (sphere, bars) = pyplot.subplots(
        1, 2, figsize=(11.5, 3.6), layout="constrained", width_ratios=(1.9, 1), facecolor="white"
    )
    sphere.imshow(frames[2], extent=(180, -180, -90, 90))
    sought = (
        ("sound", "o", 13, sounding_directions(render_sound(config, 0, drawn)[0].numpy())),
        ("motion", "s", 20, moving_directions(frames)),
    )
    for name, marker, size, found in sought:
        angles = np.degrees(found.azimuth), np.degrees(found.elevation)
        style = {"markersize": size, "fillstyle": "none", "linestyle": "none", "markeredgewidth": 2}
        sphere.plot(*angles, marker, color="white" if name == "sound" else INK, label=name, **style)
    sphere.set(xlim=(180, -180), ylim=(-90, 90), xlabel="azimuth (°)", ylabel="elevation (°)")
    sphere.set(xticks=range(180, -181, -90), yticks=range(-90, 91, 45))
    sphere.legend(loc="lower center", ncols=2, facecolor="0.7", markerscale=0.5, fontsize=9)
    measured = json.loads((Path(__file__).resolve().parent / "detector_recall.json").read_text(encoding="utf-8"))
    for shift, name, label, colour in ((-0.2, "frame", "frame", LEFT), (0.2, "tiles", "tiles, merged", UP)):
        result = measured[name]
        recall = 100 * np.array(result["found"]) / np.array(result["objects"])
        bars.bar(np.arange(len(recall)) + shift, recall, 0.38, color=colour, label=label)
    names = [f"{low}–{high}" for low, high in measured["frame"]["latitudes"]]
    bars.set_xticks(range(len(names)), names)
    bars.set(xlabel="latitude of the object (°)", ylabel="recall (%)", ylim=(0, 105))
    bars.legend(loc="lower left", fontsize=9)
    _save(figure, path)


PICTURES = {
    "viewpoints.png": viewpoints,
    "performance.png": performance,
    "rooms.png": rooms,
    "axes_and_angles.png": axes_and_angles,
    "first_order_channels.png": first_order_channels,
    "rotations.png": rotations,
    "beams.png": beams,
    "beams_to_measure.png": beams_to_measure,
    "energy_map.png": energy_map,
    "analysis.png": analysis,
    "binaural_errors.png": binaural_errors,
    "decoder.png": decoder,
    "warping.png": warping,
    "encoding_error.png": encoding_error,
}


def _save(figure, path: Path) -> None:
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def make_all(folder: Path) -> None:
    """Make every picture of :data:`PICTURES` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        make(folder / name)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    make_all(Path(__file__).resolve().parent / "generated" / "pictures")
