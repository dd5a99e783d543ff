"""From files to indices: corpus → vocabulary → streams."""
