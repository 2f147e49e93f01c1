lock:
	for set in pipeline train demo dev; do :; done
