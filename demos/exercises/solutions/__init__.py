"""One answer to each exercise. Others are as good, if their check says so."""
