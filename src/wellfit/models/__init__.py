"""Networks that stack: wellfit's own, built so that recipes find their places in them."""
