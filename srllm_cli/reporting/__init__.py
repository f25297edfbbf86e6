"""Results as a person or a program reads them. Pure: values in, strings out; ``cli`` prints them."""
