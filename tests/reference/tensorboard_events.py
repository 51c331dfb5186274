"""Event files by TensorBoard's own writer and reader, for tests/it/show/results/tensorboard.rs.

    python tests/reference/tensorboard_events.py write tests/reference/tensorboard/theirs.tfevents
    python tests/reference/tensorboard_events.py read RUN/tensorboard > tests/reference/tensorboard/read.json

`write` makes a file as other programs do; npc must read it. `read` prints the events that TensorBoard's EventAccumulator
reads from a folder that npc wrote. Needs tensorboard and numpy.
"""

import glob
import json
import os
import shutil
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


def write(path):
    folder = tempfile.mkdtemp()
    writer = EventFileWriter(folder)
    for step, loss in enumerate([0.5, 0.25, 0.125], start=1):
        values = [
            Summary.Value(tag="loss", simple_value=loss),
            Summary.Value(tag="dice", simple_value=1.0 - loss),
        ]
        writer.add_event(Event(wall_time=1000.5 + step, step=step, summary=Summary(value=values)))
    image = Summary.Image(height=2, width=3, colorspace=3, encoded_image_string=b"not a picture")
    value = Summary.Value(tag="cases/a", image=image)
    writer.add_event(Event(wall_time=2000.0, step=3, summary=Summary(value=[value])))
    writer.close()
    (made,) = glob.glob(os.path.join(folder, "*tfevents*"))
    shutil.copyfile(made, path)
    shutil.rmtree(folder)


def read(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    scalars = {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in sorted(tags["scalars"])}
    images = {
        tag: [[e.step, e.height, e.width, len(e.encoded_image_string)] for e in events.Images(tag)]
        for tag in sorted(tags["images"])
    }
    print(json.dumps({"scalars": scalars, "images": images}, indent=1))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
