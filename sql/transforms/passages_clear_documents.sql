-- One row per document of clusters that were found otherwise; all go.
DELETE FROM document_clusters;
