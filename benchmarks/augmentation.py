"""How fast pictures are augmented: wellfit beside kornia, albumentations and Keras's layers, in one run, taking turns.

    python benchmarks/augmentation.py                            # both sizes, two threads
    python benchmarks/augmentation.py --threads 1 --sizes 128x3x32x32 --peers kornia

Everyone gets the same 8-bit pictures in memory, in its own layout, and gives back normalized floats: rotation by up to
15 degrees, zoom by 20 %, moves by 10 % of the side, shear, mirror images, and brightness, contrast and saturation by
20 %, each picture by draws of its own, bilinearly, mirrored at the borders where a library can. Peers get their fastest
form: one affine transform where they have one that holds all (kornia, albumentations), albumentations both in a loop
and in as many threads as the others (the faster counts). Each is called in turn, again and again; the figures are
medians in ms, of the clock and of the processor's time, which is the one to read where others use the machine too, and
the ratios of both. Memory that is freed stays with the process, for everyone here, as wellfit's training processes have
it; ``--memory system`` leaves that as it comes. With ``--calls 5`` each is called five times in a row when its turn
comes, and the first of them, which finds the caches full of what the others needed, does not count. Peers are optional:
install them beside wellfit with

    PIP_CONSTRAINT=constraints.txt pip install kornia albumentations==2.0.8 keras opencv-python-headless
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import numpy as np
import torch
from torch import Tensor

from wellfit import Brightness, Contrast, Flip, Recipe, Rotation, Saturation, Shear, Shift, Zoom
from wellfit.draws import Now, member_key
from wellfit.training.prepared import Prepared, by_request
from wellfit.training.worker import keep_memory

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GOALS = {("128x3x32x32", "kornia"): 3.0, ("64x3x224x224", "kornia"): 3.0, ("64x3x224x224", "albumentations"): 1.25}
RECIPE = Recipe(
    Rotation(15.0), Zoom(0.2), Shift(0.1), Shear(0.1), Flip(0.5), Brightness(0.2), Contrast(0.2), Saturation(0.2)
)
Run = Callable[[], object]


def columns(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]


def ours(pixels: Tensor) -> Run:
    """As in a training: pixels are standardized, then changed; draws are made for some steps ahead, which counts."""
    ends = tuple(tuple(((end - m) / s) for m, s in zip(MEAN, STD, strict=True)) for end in (0.0, 1.0))
    scale, moved = 1.0 / (255.0 * columns(STD)), columns(MEAN) / columns(STD)
    steps, key, asked = iter(range(10**9)), member_key(0), []
    first = Now(key, torch.tensor(0), torch.tensor(0.0), {}, asked=asked)
    RECIPE.batch(pixels[:, :, :1, :1].float(), None, first)  # type: ignore[arg-type]
    prepared = Prepared(asked, key)

    def run() -> Tensor:
        step = next(steps)
        ready = by_request(asked, prepared.at(step))
        now = Now(key, torch.tensor(step), torch.tensor(0.0), {}, moment=step, pixels=ends, ready=ready)  # type: ignore[arg-type]
        return RECIPE.batch(pixels.float().mul_(scale).sub_(moved), None, now)[0]  # type: ignore[arg-type]

    return run


def kornia(pixels: Tensor) -> Run:
    import kornia.augmentation as K

    chain = K.AugmentationSequential(
        K.RandomAffine(15.0, (0.1, 0.1), (0.8, 1.2), 6.0, p=1.0, padding_mode="reflection"),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJiggle(brightness=0.2, contrast=0.2, saturation=0.2, p=1.0),
        K.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
    )
    return lambda: chain(pixels.float() / 255.0)


def albumentations(pixels: Tensor, threads: int, pooled: bool) -> Run:
    import albumentations as A
    import cv2

    cv2.setNumThreads(1 if pooled else threads)
    arrays = list(pixels.permute(0, 2, 3, 1).contiguous().numpy())

    def chain() -> A.Compose:
        return A.Compose([
            A.Affine(
                rotate=(-15, 15), scale=(0.8, 1.2), translate_percent=(-0.1, 0.1), shear=(-6, 6), p=1.0,
                border_mode=cv2.BORDER_REFLECT_101,
            ),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2), hue=(0, 0), p=1.0),
            A.Normalize(MEAN, STD),
        ])  # fmt: skip

    def some(own: A.Compose, chosen: list[np.ndarray]) -> list[np.ndarray]:
        return [own(image=a)["image"] for a in chosen]

    if not pooled:
        whole = chain()
        return lambda: torch.from_numpy(np.stack(some(whole, arrays))).permute(0, 3, 1, 2)
    pool, chains = ThreadPoolExecutor(threads), [chain() for _ in range(threads)]
    parts = [arrays[i::threads] for i in range(threads)]

    def run() -> Tensor:
        found = [a for part in pool.map(some, chains, parts) for a in part]
        return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)

    return run


def keras(pixels: Tensor) -> Run:
    from keras import Sequential, layers

    chain = Sequential([
        layers.RandomRotation(15 / 360), layers.RandomZoom((-0.2, 0.2)), layers.RandomTranslation(0.1, 0.1),
        layers.RandomShear(0.1, 0.0), layers.RandomFlip("horizontal"), layers.RandomBrightness(0.2, (0.0, 255.0)),
        layers.RandomContrast(0.2, (0.0, 255.0)), layers.RandomSaturation(0.4, (0.0, 255.0)),
        layers.Normalization(mean=[255 * m for m in MEAN], variance=[(255 * s) ** 2 for s in STD]),
    ])  # fmt: skip
    held = pixels.permute(0, 2, 3, 1).float().contiguous()
    return lambda: chain(held, training=True)


def makers(pixels: Tensor, threads: int, wanted: list[str]) -> tuple[dict[str, Run], list[str]]:
    """What can be run here, and what is missing."""
    every: dict[str, Callable[[], Run]] = {
        "wellfit": lambda: ours(pixels), "kornia": lambda: kornia(pixels),
        "albumentations": lambda: albumentations(pixels, threads, False),
        "albumentations, threads": lambda: albumentations(pixels, threads, True), "keras": lambda: keras(pixels),
    }  # fmt: skip
    made, missing = {}, []
    for name, make in every.items():
        if name != "wellfit" and name.split(",")[0] not in wanted:
            continue
        try:
            made[name] = make()
            made[name]()
        except ImportError as error:
            missing.append(f"{name}: {error}")
    return made, missing


def timed(runs: dict[str, Run], rounds: int, seconds: float, calls: int) -> dict[str, np.ndarray]:
    """Median ms of each by the clock and by the processor, called in turn; those that take long less often.

    Of several calls in a row the first is left out: it finds the fast caches full of what the others needed.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name, run in runs.items():
            if turn and sum(clock for clock, _ in taken[name]) > seconds:
                continue
            for call in range(calls):
                begun = time.perf_counter(), time.process_time()
                run()
                if call or calls == 1:
                    taken[name].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    return {name: 1e3 * np.median(times, axis=0) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["128x3x32x32", "64x3x224x224"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, default=1, help="of each in a row, every time that its turn comes")
    parser.add_argument("--seconds", type=float, default=20.0, help="of one peer at one size, about")
    parser.add_argument("--peers", nargs="*", default=["kornia", "albumentations", "keras"])
    parser.add_argument("--memory", choices=["kept", "system"], default="kept", help="where freed memory goes")
    options = parser.parse_args()
    if options.memory == "kept":
        keep_memory()
    torch.set_num_threads(options.threads)
    names = ("torch", "kornia", "albumentations", "keras", "opencv-python-headless")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} is not here")
    print(", ".join(versions), f"; {options.threads} threads")
    print("\n| size | who | ms | CPU ms | times wellfit's | CPU times | goal |\n|---|---|---|---|---|---|---|")
    for size in options.sizes:
        shape = tuple(int(n) for n in size.split("x"))
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            runs, missing = makers(pixels, options.threads, options.peers)
            found = timed(runs, options.rounds, options.seconds, options.calls)
        if "albumentations" in found:
            found["albumentations"] = np.minimum(found["albumentations"], found.pop("albumentations, threads"))
        for name, (clock, processor) in found.items():
            ratios, goal = (clock, processor) / found["wellfit"], GOALS.get((size, name))
            met = "" if goal is None else f"{goal:g}: {'met' if min(ratios) >= goal else 'missed'}"
            print(f"| {size} | {name} | {clock:.2f} | {processor:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {met} |")
        for line in missing:
            print(f"| {size} | {line} | | | | | |")


if __name__ == "__main__":
    main()
